import type { NormalizationOp } from '../../../graph/op-row.ts';
import { tf } from '../tf.ts';
import { type TfjsOps, input } from '../tfjs-op.ts';

/** TensorFlow.js has none of these ops; they are composed as the ONNX specification defines them. */
export const normalizationOps: TfjsOps<NormalizationOp> = {
  LayerNormalization: (inputs, attributes) => {
    const x = input(inputs, 0);
    const mean = tf.mean(x, -1, true);
    const centered = tf.sub(x, mean);
    const variance = tf.mean(tf.mul(centered, centered), -1, true);
    const inverse = tf.div(1, tf.sqrt(tf.add(variance, attributes['epsilon'] as number)));
    const normal = tf.mul(centered, inverse);
    return [tf.add(tf.mul(normal, input(inputs, 1)), input(inputs, 2)), mean, inverse];
  },
  SimplifiedLayerNormalization: (inputs, attributes) => {
    const x = input(inputs, 0);
    const inverse = tf.div(1, tf.sqrt(tf.add(tf.mean(tf.mul(x, x), -1, true), attributes['epsilon'] as number)));
    return [tf.mul(tf.mul(x, inverse), input(inputs, 1)), inverse];
  },
  /** [a, b] halves -> [a cos - b sin, b cos + a sin]; x [B, H, S, d], positions [B, S], tables [positions, d/2]. */
  RotaryEmbedding: (inputs) => {
    const [x, positions] = [input(inputs, 0), input(inputs, 1)];
    const [batch, , length, size] = x.shape as [number, number, number, number];
    const rows = (table: number): ReturnType<typeof tf.reshape> =>
      tf.reshape(tf.gather(input(inputs, table), tf.reshape(positions, [batch * length])), [
        batch,
        1,
        length,
        size / 2,
      ]);
    const [cosine, sine] = [rows(2), rows(3)];
    const [a, b] = tf.split(x, 2, 3) as [typeof x, typeof x];
    return tf.concat([tf.sub(tf.mul(a, cosine), tf.mul(b, sine)), tf.add(tf.mul(b, cosine), tf.mul(a, sine))], 3);
  },
};
