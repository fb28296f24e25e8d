/** Which adapters a server makes. It knows families of modules, and scales all adapters by its own alpha. */
import { MtrlError } from '../../../core/errors.ts';
import type { ModelPart, TrainableSpec } from '../../engine.ts';
import type { LoraConfig } from './wire.ts';

const families = {
  train_attn: ['q_proj', 'k_proj', 'v_proj', 'o_proj'],
  train_mlp: ['gate_proj', 'up_proj', 'down_proj'],
  train_unembed: ['lm_head'],
} as const;
const flags = Object.keys(families) as (keyof typeof families)[];

/** Of SkyRL and of the hosted service; the wire has no field for it. */
const alphaOfServers = 32;

/** Parts that the wire's adapters leave alone. */
const untouched: readonly ModelPart[] = ['vision', 'connector', 'embeddings'];

/** Throws RECIPE_INVALID naming the field. */
export function loraOf({ lora, freeze = [] }: TrainableSpec): LoraConfig {
  if (lora === undefined) throw refused('lora', 'nothing', 'the tinker engine trains adapters only: set lora');
  const learning = freeze.find((part) => !untouched.includes(part));
  if (learning !== undefined) throw refused('freeze', learning, `only ${untouched.join(', ')}, which never learn here`);
  if (lora.alpha !== alphaOfServers) {
    throw refused(
      'lora.alpha',
      String(lora.alpha),
      `${String(alphaOfServers)}, the alpha of servers of the Tinker API`,
    );
  }
  const has = (flag: keyof typeof families): boolean => families[flag].every((name) => lora.modules.includes(name));
  const covered = flags.filter(has).flatMap((flag): readonly string[] => families[flag]);
  const other = lora.modules.find((name) => !covered.includes(name));
  if (other !== undefined || covered.length === 0) {
    const allowed = flags.map((flag) => families[flag].join(', ')).join('; ');
    throw refused('lora.modules', other ?? 'none', `whole families of modules: ${allowed}`);
  }
  const { rank, seed } = lora;
  return {
    ...{ rank, seed },
    ...{ train_attn: has('train_attn'), train_mlp: has('train_mlp'), train_unembed: has('train_unembed') },
  };
}

function refused(where: string, found: string, hint: string): MtrlError {
  return new MtrlError('RECIPE_INVALID', 'the tinker engine cannot train this', { where, found, hint });
}
