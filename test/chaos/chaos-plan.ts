/** A chaos plan: which faults, and when. A function of its seed, so that a plan can be run again and shrunk. */
import { Rng } from '../../core/rng.ts';
import { type FaultName, faultNames, faults } from './fault-table.ts';
import type { Numbered } from './store-proxy.ts';

/** Before the store gets the request or after it has answered, or of the first write from that request on. */
type Moment = 'before' | 'after' | 'before-write' | 'after-write';

/** What is half written is where faults do damage; more than half of all requests only read. */
const moments = ['before', 'after', 'before-write', 'before-write', 'after-write', 'after-write'] as const;

export interface ChaosCommand {
  readonly fault: FaultName;
  /** Number of the request to the store at which it strikes: real time differs from run to run, this hardly. */
  readonly request: number;
  readonly moment: Moment;
  /** In [0, 1): how long or how often. */
  readonly strength: number;
}

export interface ChaosPlan {
  readonly seed: number;
  /** In the order of their requests. */
  readonly commands: readonly ChaosCommand[];
}

const commandCountMax = 6;

/** @param requestCount requests of an undisturbed run */
export function chaosPlan(seed: number, requestCount: number): ChaosPlan {
  const rng = new Rng('chaos', seed);
  const commands = Array.from({ length: rng.integer(1, commandCountMax + 1) }, () => ({
    fault: rng.pick(faultNames),
    request: Math.floor(rng.uniform() * requestCount),
    moment: rng.pick(moments),
    strength: rng.uniform(),
  }));
  return { seed, commands: commands.sort((a, b) => a.request - b.request) };
}

/** Whether a command that has not struck yet does so now. Of writes, those of the worker that the fault befalls count. */
export function strikesAt({ fault, request, moment }: ChaosCommand, at: Numbered, side: 'before' | 'after'): boolean {
  if (moment === side) return at.number === request;
  const { victim = at.sender } = faults[fault];
  return moment === `${side}-write` && at.isWrite && at.number >= request && at.sender === victim;
}

export function describeCommand({ fault, request, moment }: ChaosCommand): string {
  const [side, write] = moment.split('-');
  return `${fault} ${String(side)} ${write === undefined ? 'request' : 'the first write from request'} ${String(request)}`;
}
