/**
 * Runs the embedded engine in a separate process: the worker's event loop stays free for heartbeats, a crash of native
 * code costs one activity, and cancelling kills the computation at once.
 */
import { fork } from 'node:child_process';
import { MtrlError } from '../../../core/errors.ts';
import { programAt } from '../../../core/program.ts';
import type {
  ForwardBackwardRequest,
  ForwardRequest,
  LabelLogProbsRequest,
  SampleRequest,
  TokenRoles,
} from '../../engine.ts';
import type { ComputeVerbs } from './compute-verbs.ts';
import { cpuTimeMs } from './cpu-time.ts';
import { watchMemory } from './memory/memory-watch.ts';
import { PixelAnswers } from './pixel-answers.ts';
import { type EngineCall, type EngineMethod, type EngineReply, type PixelAsk, revive } from './protocol.ts';
import type { EngineSettings } from './settings.ts';

/**
 * Settings of glibc's allocator, read when a process starts; other allocators ignore them. ONNX Runtime's own arenas are
 * off (policy/runtime/onnx/session.ts): each graph would keep the memory of its largest call. Instead, all graphs and
 * lanes take theirs from one heap, and what one frees the next uses.
 * arena_max: one heap for all threads.
 * mmap_threshold: arrays below 32 MiB (the highest value that glibc accepts) come from the heap, because fresh pages for
 * each array would cost as much time as the computation. Larger ones return to the kernel when freed.
 * trim_threshold: the heap keeps its size until giveMemoryBack.
 */
const tunables = [
  'glibc.malloc.arena_max=1',
  `glibc.malloc.mmap_threshold=${32 << 20}`,
  `glibc.malloc.trim_threshold=${2 ** 40}`,
];
const allocator = [process.env['GLIBC_TUNABLES'], ...tunables].filter(Boolean).join(':');

interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ComputeExit extends Exit {
  /** Error with which all further calls reject: COMPUTE_CRASHED, COMPUTE_OUT_OF_MEMORY. */
  readonly error: MtrlError;
}

export interface ComputeProcess extends ComputeVerbs {
  readonly pid: number;
  kill(): void;
  /** Counter that grows while the process computes or replies, and stops if it hangs. */
  progress(): number;
  readonly exited: Promise<ComputeExit>;
}

export function spawnEmbeddedEngine({ memoryByteLengthMax, ...settings }: EngineSettings): ComputeProcess {
  const program = programAt(new URL('./process.ts', import.meta.url));
  const child = fork(program.path, [JSON.stringify(settings)], {
    serialization: 'advanced',
    // fit-memory.ts triggers garbage collection.
    execArgv: ['--expose-gc', ...program.execArgv],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, GLIBC_TUNABLES: allocator },
  });
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  let nextId = 0;
  let replyCount = 0;
  let exit: ComputeExit | undefined;
  let exceeded: MtrlError | undefined;
  const stopWatching =
    memoryByteLengthMax === undefined
      ? () => undefined
      : watchMemory(child.pid ?? -1, memoryByteLengthMax, (byteLength) => {
          exceeded = outOfMemory(byteLength, memoryByteLengthMax);
          child.kill('SIGKILL');
        });

  const exited = new Promise<ComputeExit>((resolve) => {
    const end = (ended: Exit): void => {
      exit ??= { ...ended, error: exceeded ?? crashed(ended) };
      stopWatching();
      for (const { reject } of waiting.values()) reject(exit.error);
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
        reject(exit.error);
        return;
      }
      const id = nextId++;
      const message: EngineCall = { id, method, args: args.map((arg) => pixels.detach(id, arg)) };
      waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
      // If sending fails, the process is gone, and its exit rejects the call.
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
      // A process inside native code would notice the disconnect only afterwards.
      if (waiting.size > 0) child.kill('SIGKILL');
      else if (exit === undefined && child.connected) child.disconnect();
      await exited;
    },
  };
}

/** Copies the token roles: callers may pass a Processor, of which only plain fields can be sent to another process. */
function withPlainTokens<T extends { readonly tokens: TokenRoles }>(request: T): T {
  const { stopTokenId, otherStopTokenIds, padTokenId, bannedTokenIds } = request.tokens;
  const others = otherStopTokenIds && { otherStopTokenIds: [...otherStopTokenIds] };
  return { ...request, tokens: { stopTokenId, ...others, padTokenId, bannedTokenIds: [...bannedTokenIds] } };
}

function crashed({ code, signal }: Exit): MtrlError {
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
