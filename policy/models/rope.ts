/** Rotary positions (Su et al., RoFormer) and their scaling types, as in modeling_rope_utils.py of transformers. */
import { z } from 'zod';

export type Rope = { readonly theta: number } & (
  | { readonly type: 'default' }
  /** Positions are divided by the factor. */
  | { readonly type: 'linear'; readonly factor: number }
  /** Llama 3.1: low frequencies are divided by the factor, high ones are unchanged, those between are interpolated. */
  | {
      readonly type: 'llama3';
      readonly factor: number;
      readonly lowFrequencyFactor: number;
      readonly highFrequencyFactor: number;
      readonly originalPositionCountMax: number;
    }
);

/** Fields of every rope type. */
export const sharedRopeFields = {
  rope_theta: z.number().positive().optional(),
  partial_rotary_factor: z.literal(1).optional(),
};
const scaling = z.discriminatedUnion('rope_type', [
  z.strictObject({ ...sharedRopeFields, rope_type: z.literal('default') }),
  z.strictObject({ ...sharedRopeFields, rope_type: z.literal('linear'), factor: z.number().min(1) }),
  z.strictObject({
    ...sharedRopeFields,
    rope_type: z.literal('llama3'),
    factor: z.number().min(1),
    low_freq_factor: z.number().positive(),
    high_freq_factor: z.number().positive(),
    original_max_position_embeddings: z.int().min(1),
  }),
]);
const named = z.preprocess(withRopeType, scaling);

/** Adds `rope_type`: older files name the field `type`, or omit it for the default. */
export function withRopeType(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const { type, ...rest } = value as Record<string, unknown>;
  return { rope_type: type ?? 'default', ...rest };
}

/** transformers 4 writes `rope_theta` and `rope_scaling`, transformers 5 `rope_parameters`. */
export const ropeFields = {
  rope_theta: z.number().positive().optional(),
  rope_scaling: named.nullish(),
  rope_parameters: named.nullish(),
  partial_rotary_factor: z.literal(1).optional(),
};

export function ropeOf(fields: z.infer<z.ZodObject<typeof ropeFields>>, thetaDefault = 10000): Rope {
  const found = fields.rope_parameters ?? fields.rope_scaling ?? { rope_type: 'default' as const };
  const theta = found.rope_theta ?? fields.rope_theta ?? thetaDefault;
  if (found.rope_type === 'default') return { theta, type: 'default' };
  if (found.rope_type === 'linear') return { theta, type: 'linear', factor: found.factor };
  return {
    theta,
    type: 'llama3',
    factor: found.factor,
    lowFrequencyFactor: found.low_freq_factor,
    highFrequencyFactor: found.high_freq_factor,
    originalPositionCountMax: found.original_max_position_embeddings,
  };
}

/** Radians per position, [headSize / 2]; float32 arithmetic as in transformers. */
export function inverseFrequencies(rope: Rope, headSize: number): Float32Array {
  return Float32Array.from({ length: headSize / 2 }, (_, i) =>
    scaled(rope, Math.fround(1 / Math.fround(rope.theta ** ((2 * i) / headSize)))),
  );
}

function scaled(rope: Rope, frequency: number): number {
  if (rope.type === 'default') return frequency;
  if (rope.type === 'linear') return frequency / rope.factor;
  const { factor, lowFrequencyFactor: low, highFrequencyFactor: high, originalPositionCountMax: original } = rope;
  const turnCount = Math.fround(original / Math.fround((2 * Math.PI) / frequency));
  if (turnCount < low) return frequency / factor;
  if (turnCount > high) return frequency;
  const kept = (turnCount - low) / (high - low);
  return ((1 - kept) * frequency) / factor + kept * frequency;
}
