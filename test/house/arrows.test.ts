import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { packageOf } from '../../pipeline/code/source-tree.ts';
import { expectNone } from '../support/expect-none.ts';
import { type Import, importsOf, lineOf, nodesOf, projectFiles, sourceOf } from '../support/source-files.ts';

interface Room {
  /** Rooms it may import. */
  readonly imports: readonly string[];
  /** Rooms that it may import types from. */
  readonly types?: readonly string[];
  /** Packages it may import, Node's own modules aside. */
  readonly packages: readonly string[];
}

/**
 * The imports that each room may have. Rooms are folders; judge/kinds, and the folders and files of policy/, are rooms
 * of their own.
 */
const rooms: Readonly<Record<string, Room>> = {
  core: { imports: [], packages: ['@huggingface/jinja', 'lru-cache', 'undici'] },
  artifacts: {
    imports: ['core'],
    packages: ['@huggingface/hub', 'minio', 'hyparquet', 'hyparquet-writer', 'p-map', 'tar-stream'],
  },
  // Used to validate recipes: a kind and an algorithm define their fields of the schema.
  'judge/kinds': { imports: ['core'], types: ['judge', 'recipes'], packages: ['zod'] },
  recipes: { imports: ['core', 'judge/kinds', 'policy/algorithms'], packages: ['yaml', 'zod'] },
  judge: {
    imports: ['core', 'judge/kinds'],
    types: ['recipes', 'contract'],
    packages: [
      '@julusian/jpeg-turbo',
      '@observablehq/plot',
      'fzstd',
      'hyparquet',
      'hyparquet-compressors',
      'lossless-json',
      'linkedom',
      'picomatch',
      'sharp',
      'tar-stream',
      'yauzl',
      'zod',
    ],
  },

  'policy/engine': { imports: ['core'], types: ['policy/losses'], packages: [] },
  'policy/checkpoint-file': { imports: ['core'], packages: ['zod'] },
  'policy/graph': { imports: ['core'], packages: ['onnx-proto'] },
  'policy/text': {
    imports: ['core', 'policy/checkpoint-file'],
    types: ['policy/engine'],
    packages: ['@huggingface/tokenizers', 'zod'],
  },
  'policy/vision': {
    imports: ['core', 'policy/checkpoint-file'],
    types: ['policy/engine'],
    packages: ['sharp', 'zod'],
  },
  // Without graphs: recipes import it.
  'policy/algorithms': { imports: ['core'], types: ['policy/engine'], packages: ['zod'] },
  'policy/losses': { imports: ['core', 'policy/graph'], types: ['policy/engine'], packages: [] },
  'policy/models': {
    imports: ['core', 'policy/graph', 'policy/losses', 'policy/checkpoint-file'],
    types: ['policy/engine'],
    packages: ['zod'],
  },
  'policy/optimizer': {
    imports: ['core', 'policy/graph'],
    types: ['policy/engine', 'policy/models'],
    packages: [],
  },
  'policy/image-prompts': {
    imports: ['core', 'policy/checkpoint-file', 'policy/models', 'policy/text', 'policy/vision'],
    types: ['policy/engine'],
    packages: ['zod'],
  },
  'policy/processor': {
    imports: ['core', 'policy/checkpoint-file', 'policy/image-prompts', 'policy/models', 'policy/text'],
    types: ['policy/engine', 'policy/vision'],
    packages: [],
  },
  'policy/runtime': {
    imports: ['core', 'policy/graph'],
    packages: ['koffi', 'onnxruntime-node', '@tensorflow/tfjs-core', '@tensorflow/tfjs-node-gpu'],
  },
  // The safetensors codec is in artifacts.
  'policy/checkpoints': {
    imports: ['core', 'artifacts', 'policy/checkpoint-file', 'policy/models'],
    packages: ['@huggingface/gguf', 'zod'],
  },
  'policy/engines': {
    imports: [
      'core',
      'artifacts',
      'policy/checkpoint-file',
      'policy/checkpoints',
      'policy/engine',
      'policy/graph',
      'policy/losses',
      'policy/models',
      'policy/optimizer',
      'policy/processor',
      'policy/runtime',
    ],
    types: ['contract'],
    packages: ['@hpcc-js/wasm-zstd', 'p-map', 'protobufjs', 'zod'],
  },

  // What crosses Temporal or a process boundary: types, and the names that both sides use.
  contract: {
    imports: [],
    types: ['core', 'artifacts', 'recipes', 'judge', 'policy/engine'],
    packages: ['@temporalio/common'],
  },
  pipeline: {
    imports: [
      'core',
      'artifacts',
      'recipes',
      'judge',
      'judge/kinds',
      'contract',
      'policy/checkpoints',
      'policy/engine',
      'policy/algorithms',
      'policy/engines',
      'policy/losses',
      'policy/optimizer',
      'policy/processor',
      'policy/vision',
    ],
    packages: ['p-map', 'pino', 'standardwebhooks'],
  },
  activities: {
    imports: ['core', 'artifacts', 'pipeline'],
    types: ['contract'],
    packages: ['@temporalio/activity', '@temporalio/common'],
  },
  workflows: {
    imports: ['contract'],
    types: ['core', 'artifacts', 'recipes', 'judge'],
    packages: ['@temporalio/workflow', '@temporalio/common'],
  },
  infra: {
    imports: ['core', 'contract'],
    types: ['artifacts'],
    packages: [
      '@temporalio/client',
      '@temporalio/common',
      '@temporalio/envconfig',
      '@temporalio/proto',
      '@temporalio/testing',
      '@temporalio/worker',
      'minio',
      'zod',
    ],
  },
  workers: {
    imports: ['core', 'artifacts', 'infra', 'pipeline', 'activities', 'policy/engines'],
    types: ['policy/engine', 'workflows', 'contract'],
    packages: [
      '@opentelemetry/api',
      '@opentelemetry/context-async-hooks',
      '@opentelemetry/exporter-trace-otlp-http',
      '@opentelemetry/resources',
      '@opentelemetry/sdk-trace-base',
      '@temporalio/activity',
      '@temporalio/common',
      '@temporalio/interceptors-opentelemetry',
      '@temporalio/worker',
      'pino',
    ],
  },
  // Asks by the pipeline, in its own process and without Temporal.
  serve: {
    imports: ['core', 'artifacts', 'recipes', 'judge', 'judge/kinds', 'pipeline', 'policy/engines'],
    types: ['contract', 'policy/engine'],
    packages: ['@hono/node-server', 'hono', 'p-map', 'pino', 'prom-client', 'zod'],
  },
  // What it shows of running experiments, it is told by whoever starts it.
  studio: {
    imports: ['core', 'artifacts', 'recipes', 'pipeline', 'judge', 'judge/kinds', 'policy/algorithms'],
    types: ['contract', 'policy/processor'],
    packages: ['p-map', 'preact'],
  },
  cli: {
    imports: [
      'core',
      'artifacts',
      'recipes',
      'infra',
      'contract',
      'pipeline',
      'serve',
      'studio',
      'judge',
      'judge/kinds',
    ],
    packages: ['@temporalio/client', '@temporalio/common', 'commander', 'pino'],
  },
};

/** Files that may import more than their room, with the reason. */
const exceptions: Readonly<Record<string, readonly string[]>> = {
  // A script: the demo's vocabulary consists of the words of the demo's world.
  'recipes/make-demo-config.ts': ['judge'],
  // recipes/task-sets.ts and arms.ts define which tasks a recipe trains on, which a dataset holds, and what arms
  // imitate.
  'judge/datasets/joining/join.ts': ['recipes'],
  'judge/datasets/needs.ts': ['recipes'],
  // Pictures are downscaled like Pillow does, with the policy's code.
  'judge/datasets/sources/plain-jpeg.ts': ['policy/vision'],
  // Pictures are checked with the decoder that shows them to models.
  'judge/datasets/sources/encoded-image.ts': ['policy/vision'],
};

/** These may import anything. */
const outside = new Set(['test', 'bench']);

function roomOf(path: string): string {
  const [first = '', second] = path.split('/');
  const isRoom = first === 'policy' || (first === 'judge' && second === 'kinds');
  return isRoom && second !== undefined ? `${first}/${second.replace(/\.ts$/, '')}` : first;
}

const sources = projectFiles().filter((path) => /\.tsx?$/.test(path) && path.includes('/'));
const imports = sources.flatMap(importsOf);
const inRooms = imports.filter(({ path }) => !outside.has(roomOf(path)));

function place({ path, line, specifier }: Import): string {
  return `${path}:${line} imports ${specifier}`;
}

function isAllowed({ path, target, isType }: Import): boolean {
  const [from, to] = [roomOf(path), roomOf(target ?? '')];
  const room = rooms[from];
  if (from === to || exceptions[path]?.includes(to) === true) return true;
  return room?.imports.includes(to) === true || (isType && room?.types?.includes(to) === true);
}

describe('imports between rooms go one way', () => {
  it('has a row for every folder with sources, and no other row', () => {
    const found = new Set(sources.map(roomOf).filter((room) => !outside.has(room)));
    expectNone([...found].filter((room) => !(room in rooms)));
    expectNone(Object.keys(rooms).filter((room) => !found.has(room)));
  });

  it('lets a room import only the rooms of its row', () => {
    expectNone(inRooms.filter((item) => item.target !== undefined && !isAllowed(item)).map(place));
  });

  it('lets a room import only the packages of its row', () => {
    const wrong = inRooms.filter(({ path, specifier, target }) => {
      const isOwn = target !== undefined || specifier.startsWith('node:');
      return !isOwn && rooms[roomOf(path)]?.packages.includes(packageOf(specifier)) !== true;
    });
    expectNone(wrong.map(place));
  });

  it('has no cycle in the table', () => {
    const reach = (room: string, path: readonly string[]): string[] =>
      path.includes(room)
        ? [[...path, room].join(' -> ')]
        : (rooms[room]?.imports ?? []).flatMap((next) => reach(next, [...path, room]));
    expectNone(Object.keys(rooms).flatMap((room) => reach(room, [])));
  });

  it('lets nothing import the tests or the benches', () => {
    expectNone(inRooms.filter(({ target }) => target !== undefined && outside.has(roomOf(target))).map(place));
  });
});

describe('imports and calls reserved to some rooms', () => {
  it('only policy/runtime imports ONNX Runtime and TensorFlow.js', () => {
    const backends = /^(onnxruntime-|@tensorflow\/)/;
    const wrong = imports.filter(
      ({ path, specifier }) => backends.test(specifier) && roomOf(path) !== 'policy/runtime',
    );
    expectNone(wrong.map(place));
  });

  it("only the engine itself, the tables of engines and endpoints, tests and benches import an engine's files", () => {
    const inside = /^policy\/engines\/[^/]+\//;
    const wrong = inRooms.filter(
      ({ path, target }) =>
        target !== undefined &&
        inside.test(target) &&
        inside.exec(target)?.[0] !== inside.exec(path)?.[0] &&
        !['policy/engines/table.ts', 'policy/engines/endpoint-table.ts'].includes(path),
    );
    expectNone(wrong.map(place));
  });

  it('workflows import only workflow code, contracts and Temporal packages', () => {
    const wrong = imports.filter(
      ({ path, specifier, target, isType }) =>
        roomOf(path) === 'workflows' &&
        !isType &&
        (target === undefined
          ? !specifier.startsWith('@temporalio/')
          : !['workflows', 'contract'].includes(roomOf(target))),
    );
    expectNone(wrong.map(place));
  });

  it('only workflows, activities, workers, infra and cli import Temporal packages, and contract their types of keys', () => {
    const knowing = new Set(['workflows', 'activities', 'workers', 'infra', 'cli', 'contract', ...outside]);
    const wrong = imports.filter(
      ({ path, specifier }) => specifier.startsWith('@temporalio/') && !knowing.has(roomOf(path)),
    );
    expectNone(wrong.map(place));
  });

  it('judge imports neither Temporal, nor the store, nor ONNX', () => {
    const far = /^(@temporalio\/|minio$|onnx)/;
    expectNone(imports.filter(({ path, specifier }) => path.startsWith('judge/') && far.test(specifier)).map(place));
  });

  it('only workers, cli, infra, tests and benches open connections to Temporal', () => {
    const allowed = new Set(['workers', 'cli', 'infra', ...outside]);
    const wrong = sources
      .filter((path) => !allowed.has(roomOf(path)))
      .flatMap((path) =>
        nodesOf(sourceOf(path))
          .filter((node) => isConnecting(node))
          .map((node) => `${path}:${lineOf(node)}: ${node.getText().slice(0, 80)}`),
      );
    expectNone(wrong);
  });

  it('only one file makes clients of Temporal, and all workers convert payloads as they do, in benches too', () => {
    const own = sources.filter((path) => !path.startsWith('test/'));
    const making = own.filter((path) => nodesOf(sourceOf(path)).some((node) => isTemporalClient(node)));
    expect(making).toEqual(['infra/stack/temporal-client.ts']);
    const creating = own.filter((path) => sourceOf(path).text.includes('Worker.create('));
    expect(creating.length).toBeGreaterThan(2);
    expectNone(creating.filter((path) => !sourceOf(path).text.includes('dataConverterOf(')));
  });
});

function isTemporalClient(node: ts.Node): boolean {
  return ts.isNewExpression(node) && node.expression.getText() === 'Client' && isTemporal(node);
}

/** Whether a node is `Connection.connect(...)`, `NativeConnection.connect(...)`, `new Client(...)` or similar. */
function isConnecting(node: ts.Node): boolean {
  if (ts.isNewExpression(node))
    return /^(Client|\w+Client|Worker)$/.test(node.expression.getText()) && isTemporal(node);
  return ts.isCallExpression(node) && /^(Native)?Connection\.(connect|lazy)$/.test(node.expression.getText());
}

function isTemporal(node: ts.Node): boolean {
  return /from '@temporalio\/(client|worker)/.test(node.getSourceFile().text);
}
