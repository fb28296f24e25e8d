/** Entry of the compute process: an EmbeddedEngine behind messages, one call at a time. It ends with its parent. */
import { codedFileError } from '../../../artifacts/file-error.ts';
import { MtrlError } from '../../../core/errors.ts';
import type { RuntimeSettings } from '../../runtime/graph-runner.ts';
import { EmbeddedEngine } from './embedded-engine.ts';
import type { EngineCall, EngineFailure, EngineReply } from './protocol.ts';

const settings = JSON.parse(process.argv[2] ?? '') as RuntimeSettings;
const engine = new EmbeddedEngine(settings);
let queue: Promise<void> = Promise.resolve();

process.on('message', (call: EngineCall) => {
  queue = queue.then(async () => {
    send(await answer(call));
  });
});
process.on('disconnect', () => process.exit(0));
// A terminal's Ctrl-C reaches the whole process group; the worker decides when its compute ends.
process.on('SIGINT', () => undefined);

async function answer(call: EngineCall): Promise<EngineReply> {
  try {
    const method = engine[call.method].bind(engine) as (...args: readonly unknown[]) => Promise<unknown>;
    return { id: call.id, ok: true, value: await method(...call.args) };
  } catch (error) {
    return { id: call.id, ok: false, error: failureOf(error) };
  }
}

function failureOf(thrown: unknown): EngineFailure {
  const error = codedFileError(thrown);
  if (error instanceof MtrlError) {
    const { where, found, hint } = error.details;
    return {
      message: error.message,
      code: error.code,
      details: {
        ...(where === undefined ? {} : { where }),
        ...(found === undefined ? {} : { found }),
        ...(hint === undefined ? {} : { hint }),
      },
    };
  }
  return error instanceof Error
    ? { message: error.message, ...(error.stack === undefined ? {} : { stack: error.stack }) }
    : { message: String(error) };
}

function send(reply: EngineReply): void {
  process.send?.(reply);
}
