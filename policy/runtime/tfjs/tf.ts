/**
 * TensorFlow.js, loaded as the packages that plug into it load it (CommonJS): all of them must share one instance.
 * This file throws where @tensorflow/tfjs-core is not installed; open-runtime.ts turns that into a coded error.
 */
import { createRequire } from 'node:module';
import type * as Tfjs from '@tensorflow/tfjs-core';

export type TfTensor = Tfjs.Tensor;

export const requireHere = createRequire(import.meta.url);
export const tf = requireHere('@tensorflow/tfjs-core') as typeof Tfjs;
