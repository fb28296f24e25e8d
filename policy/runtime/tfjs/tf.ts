/**
 * TensorFlow.js, loaded as CommonJS like the packages that plug into it: all of them must share one instance. This file
 * throws if @tensorflow/tfjs-core is not installed; open-runtime.ts turns that into a coded error.
 */
import { createRequire } from 'node:module';
import type * as Tfjs from '@tensorflow/tfjs-core';

export type TfTensor = Tfjs.Tensor;

export const requireHere = createRequire(import.meta.url);
export const tf = requireHere('@tensorflow/tfjs-core') as typeof Tfjs;
