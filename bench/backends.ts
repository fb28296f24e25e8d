/**
 * Times the same GRPO step of the demo model (2 prompts x 8 rollouts of up to 26 tokens) on every available backend and
 * provider, in turn, each in a process of its own. The baseline is ONNX Runtime on one CPU thread.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { ProviderReport } from '../policy/runtime/list-providers.ts';
import { type Environment, findVulkan, runScript } from '../test/support/vulkan.ts';
import type { BackendStepTimes } from './backend-step.ts';
import { median, rounded } from './statistics.ts';

const roundCount = 3;
const baseline = 'onnxruntime cpu';

export async function bench(log: (line: string) => void) {
  const vulkan = await findVulkan();
  log(vulkan === undefined ? 'no Vulkan driver: webgpu is left out' : `webgpu on ${vulkan.name}`);
  const environment = vulkan?.environment ?? {};
  const reports = (await runScript('policy/runtime/list-providers.ts', [], environment)) as ProviderReport[];
  const children = new Map<string, Runner>();
  for (const { backend, executionProvider, isAvailable, found } of reports) {
    if (isAvailable)
      children.set(`${backend} ${executionProvider}`, await start(backend, executionProvider, environment));
    else log(`${backend} ${executionProvider} is left out: ${found}`);
  }
  const times = new Map([...children.keys()].map((name): [string, BackendStepTimes[]] => [name, []]));
  // The first round compiles graphs and shaders.
  for (let round = 0; round <= roundCount; round++) {
    for (const [name, child] of children) {
      const each = await child.step();
      log(`${round === 0 ? 'first ' : ''}${name} ${each.stepMs.toFixed(0)} ms`);
      if (round > 0) times.get(name)?.push(each);
    }
  }
  for (const child of children.values()) child.stop();
  const usual = (name: string, part: keyof BackendStepTimes): number =>
    median((times.get(name) ?? []).map((each) => each[part]));
  const against = (name: string, part: keyof BackendStepTimes): number =>
    rounded(usual(name, part) / usual(baseline, part));
  return {
    roundCount,
    vulkan: vulkan?.name ?? '',
    backends: Object.fromEntries(
      [...times.keys()].map((name) => [
        name,
        {
          rolloutMs: rounded(usual(name, 'rolloutMs')),
          trainMs: rounded(usual(name, 'trainMs')),
          stepMs: rounded(usual(name, 'stepMs')),
          cpuMs: rounded(usual(name, 'cpuMs')),
          stepTimesOnnxRuntimeCpu: against(name, 'stepMs'),
          cpuTimesOnnxRuntimeCpu: against(name, 'cpuMs'),
        },
      ]),
    ),
    leftOut: Object.fromEntries(
      reports
        .filter(({ isAvailable }) => !isAvailable)
        .map(({ backend, executionProvider, found }) => [`${backend} ${executionProvider}`, found]),
    ),
  };
}

interface Runner {
  step(): Promise<BackendStepTimes>;
  stop(): void;
}

async function start(backend: string, provider: string, environment: Environment): Promise<Runner> {
  const child = fork(fileURLToPath(new URL('./backend-step.ts', import.meta.url)), [backend, provider], {
    execArgv: ['--import', import.meta.resolve('tsx')],
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  await answer(child);
  return {
    step: () => {
      child.send('step');
      return answer(child) as Promise<BackendStepTimes>;
    },
    stop: () => {
      child.disconnect();
    },
  };
}

function answer(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const onExit = (): void => {
      reject(new Error('the process of a backend ended'));
    };
    child.once('exit', onExit);
    child.once('message', (message) => {
      child.off('exit', onExit);
      resolve(message);
    });
  });
}
