/**
 * Entry point of the compute process: serves an EmbeddedEngine over messages, one call at a time. It exits with its
 * parent.
 */
import { EmbeddedEngine } from './embedded-engine.ts';
import { PixelAsks } from './pixel-asks.ts';
import type { EngineSettings } from './settings.ts';
import { type EngineCall, type EngineReply, failureOf, type PixelAnswer } from './protocol.ts';

const settings = JSON.parse(process.argv[2] ?? '') as EngineSettings;
const engine = new EmbeddedEngine(settings);
let queue: Promise<void> = Promise.resolve();
/** An engine between two activities of the same run should not allocate its memory again. */
const idleMsDefault = 5_000;
let idling: NodeJS.Timeout | undefined;

const asks = new PixelAsks((ask) => process.send?.(ask));

process.on('message', (message: EngineCall | PixelAnswer) => {
  if (!('method' in message)) {
    asks.receive(message);
    return;
  }
  const call = { ...message, args: message.args.map((arg) => asks.attach(message.id, arg)) };
  clearTimeout(idling);
  queue = queue.then(async () => {
    const reply = await answer(call);
    // Without memory, what the engine holds is in doubt, and a new process begins with little.
    const isLost = !reply.ok && reply.error.code === 'COMPUTE_CRASHED';
    process.send?.(reply, () => isLost && process.exit(1));
    clearTimeout(idling);
    idling = setTimeout(rest, settings.idleMs ?? idleMsDefault);
  });
});
process.on('disconnect', () => process.exit(0));
// Ctrl-C in a terminal reaches the whole process group, but the worker decides when this process exits.
process.on('SIGINT', () => undefined);

/** What fails here fails in the next call too, which tells its caller. */
function rest(): void {
  queue = queue.then(() => engine.rest().catch(() => undefined));
}

async function answer(call: EngineCall): Promise<EngineReply> {
  try {
    const method = engine[call.method].bind(engine) as (...args: readonly unknown[]) => Promise<unknown>;
    return { id: call.id, ok: true, value: await method(...call.args) };
  } catch (error) {
    return { id: call.id, ok: false, error: failureOf(error) };
  }
}
