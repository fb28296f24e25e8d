/**
 * `dev-server ADDRESS PORT OWN_PORT COMMAND...`: runs Temporal's dev server, and relays connections to it from the
 * address of its container. The dev server expects its own parts at 127.0.0.1, whatever address it is given.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const [address, port, ownPort, program = '', ...args] = process.argv.slice(2);
const own = { host: '127.0.0.1', port: Number(ownPort) };

const server = spawn(program, args, { stdio: 'inherit' });
server.once('exit', (code) => process.exit(code ?? 1));
process.once('SIGTERM', () => server.kill('SIGTERM'));

// Its health check must not succeed before the server answers.
while (!(await answers())) await sleep(100);
createServer((incoming) => {
  const outgoing = connect(own);
  incoming.on('error', () => outgoing.destroy()).pipe(outgoing);
  outgoing.on('error', () => incoming.destroy()).pipe(incoming);
}).listen(Number(port), address);

async function answers(): Promise<boolean> {
  const probe = connect(own);
  try {
    await once(probe, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    probe.destroy();
  }
}
