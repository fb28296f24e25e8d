import * as b from '../../../../policy/graph/build.ts';
import { type OpCase, int, normal, opCase, positive } from '../op-case.ts';

const shapes = [[3, 4], [2, 2, 3], [5]] as const;
const epsilon = 1e-5;

export const normalizationCases: readonly OpCase[] = [
  ...shapes.flatMap((shape): OpCase[] => {
    const name = `[${shape.join(', ')}]`;
    const width = shape[shape.length - 1] ?? 1;
    return [
      opCase('LayerNormalization', name, {
        inputs: { x: normal(...shape), scale: positive(width), bias: normal(width) },
        build: (g, v) => b.layerNormalization(g, v.x, v.scale, v.bias, epsilon),
      }),
      opCase('SimplifiedLayerNormalization', name, {
        inputs: { x: normal(...shape), scale: positive(width) },
        build: (g, v) => b.rmsNormalization(g, v.x, v.scale, epsilon),
      }),
    ];
  }),
  opCase('LayerNormalization', 'symbols and a large epsilon', {
    inputs: { x: normal('B', 'S', 4), scale: positive(4), bias: normal(4) },
    build: (g, v) => b.layerNormalization(g, v.x, v.scale, v.bias, 0.5),
    sizes: [
      { B: 2, S: 3 },
      { B: 1, S: 1 },
    ],
  }),
  opCase('SimplifiedLayerNormalization', 'symbols and a large epsilon', {
    inputs: { x: normal('B', 'S', 4), scale: positive(4) },
    build: (g, v) => b.rmsNormalization(g, v.x, v.scale, 0.5),
    sizes: [
      { B: 2, S: 3 },
      { B: 1, S: 1 },
    ],
  }),
  opCase('LayerNormalization', 'all three outputs', {
    inputs: { x: normal(2, 3), scale: positive(3), bias: normal(3) },
    build: (g, v) => [...g.op('LayerNormalization', [v.x, v.scale, v.bias], { attributes: { axis: -1, epsilon } })],
    by: [],
  }),
  opCase('SimplifiedLayerNormalization', 'both outputs', {
    inputs: { x: normal(2, 3), scale: positive(3) },
    build: (g, v) => [...g.op('SimplifiedLayerNormalization', [v.x, v.scale], { attributes: { axis: -1, epsilon } })],
    by: [],
  }),
  opCase('RotaryEmbedding', 'positions that jump and repeat', {
    inputs: { x: normal(2, 2, 3, 4), positions: int(0, 6, 2, 3), cosine: normal(6, 2), sine: normal(6, 2) },
    build: (g, v) => b.rotaryEmbedding(g, v.x, v.positions, v.cosine, v.sine),
    by: ['x'],
  }),
  opCase('RotaryEmbedding', 'symbols, one head', {
    inputs: { x: normal('B', 1, 'S', 2), positions: int(0, 8, 'B', 'S'), cosine: normal(8, 1), sine: normal(8, 1) },
    build: (g, v) => b.rotaryEmbedding(g, v.x, v.positions, v.cosine, v.sine),
    sizes: [
      { B: 2, S: 3 },
      { B: 1, S: 1 },
    ],
    by: ['x'],
  }),
];
