/** Prints the checks of `mtrl doctor` that need no servers and no network, a line of JSON each. */
import { projectRoot } from '../../core/project.ts';
import { checkMachine } from '../../infra/doctor/machine.ts';
import { checkCheckpoint, checkOnnxRuntime } from '../../infra/doctor/modules.ts';
import { checkProviders } from '../../infra/doctor/providers.ts';

const providers = await checkProviders();
const checks = [
  ...checkMachine(projectRoot),
  await checkOnnxRuntime(),
  // The kit has no TensorFlow.js.
  ...providers.filter(({ name }) => name.startsWith('onnxruntime ')),
  ...checkCheckpoint(),
];
for (const check of checks) process.stdout.write(`${JSON.stringify(check)}\n`);
