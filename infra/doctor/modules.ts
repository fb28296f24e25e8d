/** Checks of what `npm ci` and the checkout bring: the native modules, the demo's base checkpoint. */
import { execFile } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { projectRoot } from '../../core/project.ts';
import type { DoctorCheck } from './doctor.ts';

export async function checkModules(): Promise<DoctorCheck[]> {
  return Promise.all([checkOnnxRuntime(), checkSharp(), checkTfjs()]);
}

export async function checkOnnxRuntime(): Promise<DoctorCheck> {
  const name = 'onnxruntime';
  const loaded = await load<{ version: string; backends: string[] }>(
    `const o = require('onnxruntime-node');
     const backends = o.listSupportedBackends().map((b) => b.name + (b.bundled ? '' : ' (libraries not bundled)'));
     console.log(JSON.stringify({ version: o.env.versions.node, backends }))`,
  );
  if ('failure' in loaded) return { name, status: 'fail', found: loaded.failure, hint: reinstall };
  return { name, status: 'ok', found: `${loaded.version}, providers ${loaded.backends.join(', ')}` };
}

async function checkSharp(): Promise<DoctorCheck> {
  const loaded = await load<{ sharp: string; vips: string }>(`console.log(JSON.stringify(require('sharp').versions))`);
  if ('failure' in loaded) return { name: 'sharp', status: 'fail', found: loaded.failure, hint: reinstall };
  return { name: 'sharp', status: 'ok', found: `${loaded.sharp}, libvips ${loaded.vips}` };
}

/** Optional: without its binding the TensorFlow.js backend runs on TensorFlow.js's own CPU backend. */
async function checkTfjs(): Promise<DoctorCheck> {
  const name = 'tfjs-node-gpu';
  const folder = join('node_modules', '@tensorflow', 'tfjs-node-gpu');
  if (!existsSync(join(projectRoot, folder))) {
    return {
      name,
      status: 'warn',
      found: 'not installed',
      hint: 'optional: `npm ci --include=optional --ignore-scripts`',
    };
  }
  const loaded = await load<{ version: string; gpu: boolean }>(
    `const tf = require('@tensorflow/tfjs-node-gpu');
     console.log(JSON.stringify({ version: tf.version['tfjs-node'], gpu: require('@tensorflow/tfjs-node-gpu').node.isUsingGpuDevice }))`,
  );
  if (!('failure' in loaded)) {
    return { name, status: 'ok', found: `${loaded.version}, ${loaded.gpu ? 'on a GPU' : 'its binding sees no GPU'}` };
  }
  return {
    name,
    status: 'ok',
    found: 'installed without its native binding: TensorFlow.js runs on its CPU backend',
    hint:
      'optional; to build the binding: unpack libtensorflow-gpu 2.9.1 (CUDA 11.2, cuDNN 8.1) into ' +
      `${folder}/deps, then run \`npx node-pre-gyp install --build-from-source\` in ${folder}`,
  };
}

export function checkCheckpoint(): DoctorCheck[] {
  const name = 'base checkpoint';
  const folder = join('recipes', 'demo-base');
  const weights = statSync(join(projectRoot, folder, 'model.safetensors'), { throwIfNoEntry: false });
  if (weights && existsSync(join(projectRoot, folder, 'config.json'))) {
    return [{ name, status: 'ok', found: `${folder} (${(weights.size / 1e6).toFixed(1)} MB)` }];
  }
  const hint = 'clone the project again, or recreate the base: `npm run mtrl -- run recipes/pretrain-demo.yaml --wait`';
  return [{ name, status: 'fail', found: `${folder}: no model.safetensors with config.json`, hint }];
}

const reinstall = 'remove node_modules and run `npm run mtrl -- doctor` again to reinstall the packages';

/** Runs a script in a separate process, which a native module that does not fit this machine may abort. */
async function load<T>(script: string): Promise<T | { failure: string }> {
  try {
    const { stdout } = await promisify(execFile)(process.execPath, ['-e', script], {
      cwd: projectRoot,
      timeout: 30_000,
    });
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as T;
  } catch (error) {
    const { stderr, message, signal } = error as Error & { stderr?: string; signal?: string };
    const reason = /^\w*Error.*$/m.exec(stderr ?? '')?.[0] ?? message.split('\n')[0] ?? '';
    return { failure: signal == null ? reason : `killed by ${signal}` };
  }
}
