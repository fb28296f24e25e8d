import type { Period } from '../judge/scoring/people/agreement-over-time.ts';

/** The month of a time, or the date of the Monday of its week; in UTC. */
export function periodOf(at: string, by: Period): string {
  const date = new Date(at);
  if (by === 'month') return date.toISOString().slice(0, 7);
  date.setUTCDate(date.getUTCDate() - ((date.getUTCDay() + 6) % 7));
  return date.toISOString().slice(0, 10);
}
