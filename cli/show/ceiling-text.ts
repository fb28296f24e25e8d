import type { CeilingReached } from '../../contract/ceilings.ts';

/** `ENDED AT ITS CEILING: wallMsMax 3600000, found 3610233, after 120 steps`; empty without one. */
export function ceilingText(reached: CeilingReached | undefined): string[] {
  if (reached === undefined) return [];
  const { ceiling, allowed, found, stepCount } = reached;
  return [
    `ENDED AT ITS CEILING: ${ceiling} ${String(allowed)}, found ${String(found)}, after ${String(stepCount)} steps`,
  ];
}
