/** A process that makes one attempt at a protocol, with both workers' activities and an engine with made-up numbers. */
import { join } from 'node:path';
import { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import type { ObjectStore } from '../../artifacts/store/object-store.ts';
import { demoVerdicts, MadeUpEngine } from '../../bench/made-up-engine.ts';
import { FolderStates } from '../../policy/engines/embedded/folder-states.ts';
import { realActivities } from '../support/real-activities.ts';

export type Attempt = Awaited<ReturnType<typeof startAttempt>>;

let attemptCount = 0;

/** @param disk folder of the machine, which outlives its processes */
export async function startAttempt(objects: ObjectStore, disk: string) {
  const store = new ArtifactStore(objects);
  const folder = join(disk, `process-${String(++attemptCount)}`);
  const states = new FolderStates(store, join(folder, 'states'));
  const start = () => new MadeUpEngine(states, demoVerdicts());
  const activities = await realActivities(store, join(folder, 'spool'), { states, start });
  return { ...activities, store, disk };
}
