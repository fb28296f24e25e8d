/**
 * Loaded into the workers of a chaos plan, and into what they start, before their own code: the wall clock of JavaScript
 * is off by the milliseconds in the file MTRL_CHAOS_CLOCK, from the moment that they are written there. Clocks that
 * only go forward (timers, performance.now) are as they are, as on a machine whose clock is set.
 */
import { readFileSync, watch } from 'node:fs';

const path = process.env.MTRL_CHAOS_CLOCK;
const RealDate = Date;
let offsetMs = 0;

function learn() {
  offsetMs = Number(readFileSync(path, 'utf8'));
}

const now = () => RealDate.now() + offsetMs;

if (path !== undefined) {
  learn();
  watch(path, { persistent: false }, learn);
  globalThis.Date = new Proxy(RealDate, {
    apply: () => new RealDate(now()).toString(),
    construct: (target, args, derived) => Reflect.construct(target, args.length === 0 ? [now()] : args, derived),
    get: (target, name) => (name === 'now' ? now : Reflect.get(target, name)),
  });
}
