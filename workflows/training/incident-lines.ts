/** What happened in a run because of bad numbers, as markdown. */
import type { Incident, Incidents } from '../../contract/guards.ts';

const shownCountMax = 5;

/** The counts of all, and a line for each of the newest, the last one first. */
export function incidentLines(incidents: Incidents | undefined): string[] {
  if (incidents === undefined) return [];
  const { recordedCount, skippedCount, rewinds, newest } = incidents;
  const counts = [`${String(skippedCount)} skipped`, `${String(rewinds.length)} times back to a snapshot`];
  if (recordedCount > 0) counts.push(`${String(recordedCount)} recorded`);
  const shown = newest.slice(-shownCountMax).reverse();
  return ['', `**bad numbers** · ${counts.join(', ')}`, '', ...shown.map((incident) => `- ${lineOf(incident)}`)];
}

function lineOf({ code, step, found, outcome, toStep }: Incident): string {
  const done = toStep === undefined ? outcome : `went on from step ${String(toStep)}`;
  return `step ${String(step)}: \`${code}\`, ${done}: \`\` ${found} \`\``;
}
