/** A chaos plan: which faults, and when. A function of its seed, so that a plan can be run again and shrunk. */
import { Rng } from '../../core/rng.ts';
import { type FaultName, faultNames } from './fault-table.ts';

export interface ChaosCommand {
  readonly fault: FaultName;
  /** Number of the request to the store at which it strikes: real time differs from run to run, this hardly. */
  readonly request: number;
  /** Whether the store has answered that request. */
  readonly when: 'before' | 'after';
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
    when: rng.pick(['before', 'after'] as const),
    strength: rng.uniform(),
  }));
  return { seed, commands: commands.sort((a, b) => a.request - b.request) };
}

export function describeCommand({ fault, request, when }: ChaosCommand): string {
  return `${fault} ${when} request ${String(request)}`;
}
