/** All faults, by name. */
import type { Fault } from './fault.ts';
import { fault as clockCompute } from './faults/clock-compute.ts';
import { fault as clockControl } from './faults/clock-control.ts';
import { fault as fullDatabase } from './faults/full-database.ts';
import { fault as fullStore } from './faults/full-store.ts';
import { fault as fullWorkerDisk } from './faults/full-worker-disk.ts';
import { fault as killCompute } from './faults/kill-compute.ts';
import { fault as killControl } from './faults/kill-control.ts';
import { fault as killEngine } from './faults/kill-engine.ts';
import { fault as killStore } from './faults/kill-store.ts';
import { fault as killTemporal } from './faults/kill-temporal.ts';
import { fault as noMemory } from './faults/no-memory.ts';
import { fault as secondCompute } from './faults/second-compute.ts';
import { fault as storeLostAnswer } from './faults/store-lost-answer.ts';
import { fault as storeRepeatedWrite } from './faults/store-repeated-write.ts';
import { fault as storeReset } from './faults/store-reset.ts';
import { fault as storeSlow } from './faults/store-slow.ts';
import { fault as storeTruncated } from './faults/store-truncated.ts';
import { fault as storeUnavailable } from './faults/store-unavailable.ts';
import { fault as suspendCompute } from './faults/suspend-compute.ts';
import { fault as suspendControl } from './faults/suspend-control.ts';
import { fault as temporalCut } from './faults/temporal-cut.ts';
import { fault as temporalHeld } from './faults/temporal-held.ts';

export const faults = {
  'clock-compute': clockCompute,
  'clock-control': clockControl,
  'full-database': fullDatabase,
  'full-store': fullStore,
  'full-worker-disk': fullWorkerDisk,
  'kill-compute': killCompute,
  'kill-control': killControl,
  'kill-engine': killEngine,
  'kill-store': killStore,
  'kill-temporal': killTemporal,
  'no-memory': noMemory,
  'second-compute': secondCompute,
  'store-lost-answer': storeLostAnswer,
  'store-repeated-write': storeRepeatedWrite,
  'store-reset': storeReset,
  'store-slow': storeSlow,
  'store-truncated': storeTruncated,
  'store-unavailable': storeUnavailable,
  'suspend-compute': suspendCompute,
  'suspend-control': suspendControl,
  'temporal-cut': temporalCut,
  'temporal-held': temporalHeld,
} as const satisfies Readonly<Record<string, Fault>>;

export type FaultName = keyof typeof faults;

export const faultNames = Object.keys(faults) as FaultName[];

/** Faults that need a file system of their own (test/support/small-disk.ts). */
export const diskFaultNames: readonly FaultName[] = ['full-database', 'full-store', 'full-worker-disk'];
