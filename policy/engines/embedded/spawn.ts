/**
 * The embedded engine in a process of its own: the worker's loop stays free for heartbeats, a crash of native code
 * costs one activity, and cancelling kills the computation at once.
 */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { MtrlError } from '../../../core/errors.ts';
import type {
  Engine,
  ForwardBackwardRequest,
  ForwardRequest,
  LabelLogProbsRequest,
  SampleRequest,
  TokenRoles,
} from '../../engine.ts';
import { cpuTimeMs } from './cpu-time.ts';
import { watchMemory } from './memory/memory-watch.ts';
import { PixelAnswers } from './pixel-answers.ts';
import { type EngineCall, type EngineMethod, type EngineReply, type PixelAsk, revive } from './protocol.ts';
import type { EngineSettings } from './settings.ts';

/**
 * The allocator reads these when a process starts, and other ones than glibc's not at all.
 * hugetlb (glibc 2.35): weights and activations in pages of 2 MB where the kernel gives them (`madvise`); a step spends
 * less time on looking up addresses (docs/performance.md).
 * mmap_threshold: arrays of 1 MiB and more go back to the kernel when they are freed. Left alone, the allocator raises
 * the threshold to the size of what it has seen freed, and keeps what is smaller for later.
 */
const tunables = ['glibc.malloc.hugetlb=1', `glibc.malloc.mmap_threshold=${1 << 20}`];
const allocator = [process.env['GLIBC_TUNABLES'], ...tunables].filter(Boolean).join(':');

export interface EngineExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface EngineProcess extends Engine {
  readonly pid: number;
  kill(): void;
  /** Grows while the process computes or answers; stands still when it hangs. */
  progress(): number;
  readonly exited: Promise<EngineExit>;
}

export function spawnEmbeddedEngine({ memoryByteLengthMax, ...settings }: EngineSettings): EngineProcess {
  const child = fork(fileURLToPath(new URL('./process.ts', import.meta.url)), [JSON.stringify(settings)], {
    serialization: 'advanced',
    // fit-memory.ts collects garbage itself where memory is limited.
    execArgv: ['--expose-gc', '--import', import.meta.resolve('tsx')],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, GLIBC_TUNABLES: allocator },
  });
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  let nextId = 0;
  let replyCount = 0;
  let exit: EngineExit | undefined;
  let exceeded: MtrlError | undefined;
  const stopWatching =
    memoryByteLengthMax === undefined
      ? () => undefined
      : watchMemory(child.pid ?? -1, memoryByteLengthMax, (byteLength) => {
          exceeded = outOfMemory(byteLength, memoryByteLengthMax);
          child.kill('SIGKILL');
        });

  const exited = new Promise<EngineExit>((resolve) => {
    const end = (ended: EngineExit): void => {
      exit ??= ended;
      stopWatching();
      for (const { reject } of waiting.values()) reject(exceeded ?? crashed(exit));
      waiting.clear();
      resolve(exit);
    };
    child.once('exit', (code, signal) => {
      end({ code, signal });
    });
    child.once('error', () => {
      end({ code: null, signal: null });
    });
  });

  const pixels = new PixelAnswers();
  child.on('message', (reply: EngineReply | PixelAsk) => {
    replyCount++;
    if ('pixelsOf' in reply) {
      void pixels.answer(reply).then((answer) => child.send(answer, () => undefined));
      return;
    }
    pixels.forget(reply.id);
    const call = waiting.get(reply.id);
    waiting.delete(reply.id);
    if (reply.ok) call?.resolve(reply.value);
    else call?.reject(revive(reply.error));
  });

  const call = <T>(method: EngineMethod, ...args: readonly unknown[]): Promise<T> =>
    new Promise<T>((resolve, reject) => {
      if (exit !== undefined) {
        reject(exceeded ?? crashed(exit));
        return;
      }
      const id = nextId++;
      const message: EngineCall = { id, method, args: args.map((arg) => pixels.detach(id, arg)) };
      waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
      // A send that fails means a process that is gone; its exit rejects the call.
      child.send(message, () => undefined);
    });

  return {
    pid: child.pid ?? -1,
    exited,
    kill: () => child.kill('SIGKILL'),
    progress: () => (cpuTimeMs(child.pid ?? -1) ?? 0) + replyCount + pixels.progress(),
    loadCheckpoint: (folder) => call('loadCheckpoint', folder),
    loadState: (folder) => call('loadState', folder),
    initialize: (folder, seed) => call('initialize', folder, seed),
    prepareTraining: (spec) => call('prepareTraining', spec),
    saveState: (folder) => call('saveState', folder),
    loadReference: (folder) => call('loadReference', folder),
    sample: (request) => call('sample', withPlainTokens<SampleRequest>(request)),
    labelLogProbs: (request) => call('labelLogProbs', withPlainTokens<LabelLogProbsRequest>(request)),
    forward: (request) => call('forward', withPlainTokens<ForwardRequest>(request)),
    forwardBackward: (request) => call('forwardBackward', withPlainTokens<ForwardBackwardRequest>(request)),
    optimStep: (request) => call('optimStep', request),
    weightsDigest: () => call('weightsDigest'),
    close: async () => {
      if (exit === undefined) child.disconnect();
      await exited;
    },
  };
}

/** A Processor may be passed for the token roles; only its plain fields can be sent to another process. */
function withPlainTokens<T extends { readonly tokens: TokenRoles }>(request: T): T {
  const { stopTokenId, padTokenId, bannedTokenIds } = request.tokens;
  return { ...request, tokens: { stopTokenId, padTokenId, bannedTokenIds: [...bannedTokenIds] } };
}

function crashed({ code, signal }: EngineExit): MtrlError {
  return new MtrlError('COMPUTE_CRASHED', 'the compute process ended', {
    found: signal === null ? `exit code ${code ?? 'unknown'}` : `signal ${signal}`,
    hint: 'it is restarted and the activity retried; if this recurs, see the compute log',
  });
}

function outOfMemory(found: number, allowed: number): MtrlError {
  return new MtrlError('COMPUTE_OUT_OF_MEMORY', 'the compute process exceeded its memory limit and was killed', {
    where: 'MTRL_ENGINE_MEMORY_BYTE_LENGTH_MAX',
    found: `${found} bytes, allowed ${allowed}`,
    hint: 'raise the limit, or set engine.memoryByteLengthMax or engine.recompute in the recipe: `mtrl doctor --model DIR --recipe FILE` prints the plan',
  });
}
