/**
 * Selects the trained weights: all, all but frozen parts, or low-rank adapters of frozen matrices (LoRA, arXiv
 * 2106.09685: W x + scale B A x with scale = alpha / rank).
 */
import { MtrlError } from '../../core/errors.ts';
import type { TrainableSpec } from '../engine.ts';
import type { Architecture } from './architecture.ts';
import { type ParameterSpec, adapterInName, adapterOutName, inNameOrder } from './parameters.ts';

/**
 * Specs of the model's weights and adapters; those that are not trained are `frozen`. Throws RECIPE_INVALID naming a
 * module or part that the model does not have, or if all parts are frozen.
 */
export function trainableSpecs(architecture: Architecture, { lora, freeze }: TrainableSpec): ParameterSpec[] {
  const { parameterSpecs: specs } = architecture;
  const frozen = frozenNames(architecture, freeze);
  if (lora === undefined) {
    if (frozen.size === specs.length)
      throw new MtrlError('RECIPE_INVALID', 'every part of the model is frozen', { where: 'freeze' });
    return specs.map((spec) => (frozen.has(spec.name) ? { ...spec, frozen: true } : spec));
  }
  const adapted = specs.filter((spec) => !frozen.has(spec.name) && lora.modules.some((name) => isModule(spec, name)));
  for (const name of lora.modules) {
    if (adapted.some((spec) => isModule(spec, name))) continue;
    throw new MtrlError('RECIPE_INVALID', `the model has no linear module ${name} that is not frozen`, {
      where: 'lora.modules',
      hint: [...new Set(specs.filter(isLinear).map(lastName))].join(', '),
    });
  }
  const scale = lora.alpha / lora.rank;
  const adapters = adapted.flatMap(({ name, shape }) => adapterSpecs(moduleOf(name), shape, lora.rank, scale));
  return inNameOrder([...specs.map((spec) => ({ ...spec, frozen: true as const })), ...adapters]);
}

/** Name of a weight's module. */
export function moduleOf(name: string): string {
  return name.replace(/\.weight$/, '');
}

function adapterSpecs(module: string, shape: readonly number[], rank: number, adapterScale: number): ParameterSpec[] {
  const [out, inner] = shape as [number, number];
  return [
    { name: adapterInName(module), shape: [rank, inner], role: 'adapter-in', adapterScale },
    { name: adapterOutName(module), shape: [out, rank], role: 'adapter-out', adapterScale },
  ];
}

function frozenNames(
  { parameterSpecs, partOf, modelType }: Architecture,
  freeze: TrainableSpec['freeze'],
): Set<string> {
  const names = new Set<string>();
  for (const part of freeze ?? []) {
    const own = parameterSpecs.filter(({ name }) => partOf(name) === part);
    if (own.length === 0)
      throw new MtrlError('RECIPE_INVALID', `the model has no part ${part}`, {
        where: 'freeze',
        found: `model_type ${modelType}`,
        hint: [...new Set(parameterSpecs.map(({ name }) => partOf(name)))].join(', '),
      });
    for (const { name } of own) names.add(name);
  }
  return names;
}

/** Whether a weight is a linear module's matrix. Tables are looked up, and the patch embedding is a convolution. */
function isLinear({ role, shape }: ParameterSpec): boolean {
  return (role === 'matrix' || role === 'residual-matrix' || role === 'head') && shape.length === 2;
}

/** Matches names like PEFT's `target_modules`: the full name of a linear module, or its suffix after a dot. */
function isModule(spec: ParameterSpec, name: string): boolean {
  const module = moduleOf(spec.name);
  return isLinear(spec) && (module === name || module.endsWith(`.${name}`));
}

function lastName({ name }: ParameterSpec): string {
  return moduleOf(name).split('.').at(-1) ?? name;
}
