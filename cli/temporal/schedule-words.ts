/** Parses the schedule options of the command line, and formats schedules as text. */
import {
  type CalendarSpecDescription,
  ScheduleOverlapPolicy,
  type ScheduleSpec,
  type ScheduleSpecDescription,
} from '@temporalio/client';
import { MtrlError } from '../../core/errors.ts';

const overlaps = {
  skip: ScheduleOverlapPolicy.SKIP,
  'buffer-one': ScheduleOverlapPolicy.BUFFER_ONE,
  'buffer-all': ScheduleOverlapPolicy.BUFFER_ALL,
  'cancel-other': ScheduleOverlapPolicy.CANCEL_OTHER,
  'terminate-other': ScheduleOverlapPolicy.TERMINATE_OTHER,
  'allow-all': ScheduleOverlapPolicy.ALLOW_ALL,
} as const;
export type OverlapWord = keyof typeof overlaps;
export const overlapWords = Object.keys(overlaps) as readonly OverlapWord[];

/** Throws USAGE. */
export function overlapOf(word: string): ScheduleOverlapPolicy {
  if (Object.hasOwn(overlaps, word)) return overlaps[word as OverlapWord];
  throw wrong('--overlap', word, `one of ${overlapWords.join(', ')}`);
}

export function overlapWord(policy: ScheduleOverlapPolicy | undefined): string {
  return overlapWords.find((word) => overlaps[word] === policy) ?? 'unknown';
}

/** Checks the id of a schedule, which becomes part of the ids of the workflows that it starts. Throws USAGE. */
export function scheduleName(name: string): string {
  if (/^[A-Za-z0-9][\w.-]{0,99}$/.test(name)) return name;
  throw wrong(
    'the name',
    name,
    'letters, digits, `.`, `_` and `-`, at most 100 characters, starting with a letter or digit',
  );
}

export interface TimesOptions {
  readonly cron?: string;
  readonly every?: string;
  readonly timezone?: string;
  readonly jitter?: string;
}

/**
 * Times of a schedule from the options. The server validates a cron line. Omitted options keep their values in
 * `before`. Throws USAGE.
 */
export function timesOf(
  { cron, every, timezone, jitter }: TimesOptions,
  before?: ScheduleSpecDescription,
): ScheduleSpec {
  const named = [cron, every].filter((times) => times !== undefined).length;
  if (named > 1) throw wrong('its times', 'both --cron and --every', 'exactly one of them');
  if (named === 0 && before === undefined)
    throw wrong('its times', 'neither --cron nor --every', 'exactly one of them');
  if (cron !== undefined) requireFiveFields(cron);
  return {
    ...before,
    ...(named > 0 && { calendars: [], intervals: [] }),
    ...(cron !== undefined && { cronExpressions: [cron] }),
    ...(every !== undefined && { intervals: [{ every: durationMs('--every', every) }] }),
    ...(timezone !== undefined && { timezone }),
    ...(jitter !== undefined && { jitter: durationMs('--jitter', jitter) }),
  };
}

/** Temporal takes a sixth field for the year, where other tools have seconds in front. Throws USAGE. */
function requireFiveFields(cron: string): void {
  const fields = cron
    .trim()
    .split(/\s+/)
    .filter((field) => !/^(?:CRON_)?TZ=/.test(field));
  if (fields.length === 5 || fields[0]?.startsWith('@') === true) return;
  throw wrong('--cron', `${String(fields.length)} fields in ${cron}`, 'five: minute, hour, day, month, weekday');
}

const unitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
type Unit = keyof typeof unitMs;

/** Throws USAGE. */
export function durationMs(option: string, text: string): number {
  const [, count = '', unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const ms = Number(count) * unitMs[unit as Unit];
  if (ms > 0) return ms;
  throw wrong(option, text, 'a number and a unit: 90s, 30m, 24h, 7d');
}

/** `24h`, `90s`: in the largest unit that gives a whole number. */
export function durationText(ms: number): string {
  const unit = (['d', 'h', 'm', 's'] as const).find((each) => ms % unitMs[each] === 0);
  return unit === undefined ? `${String(ms)}ms` : `${String(ms / unitMs[unit])}${unit}`;
}

/** Throws USAGE. */
export function timeOf(option: string, text: string): Date {
  const time = new Date(text);
  if (/^\d{4}-\d{2}-\d{2}/.test(text) && !Number.isNaN(time.getTime())) return time;
  throw wrong(option, text, 'a time like 2026-08-01T03:00:00Z');
}

/** `0 3 * * * (Europe/Rome)`, `every 24h`. The server stores a cron line as a calendar; it is converted back here. */
export function timesText({ calendars, intervals, timezone }: ScheduleSpecDescription): string {
  const lines = [
    ...(calendars ?? []).map(cronText),
    ...(intervals ?? []).map(({ every }) => `every ${durationText(every)}`),
  ];
  const zone = timezone === undefined || timezone === '' ? '' : ` (${timezone})`;
  return `${lines.join('; ') || 'never'}${zone}`;
}

const months = 'JANUARY FEBRUARY MARCH APRIL MAY JUNE JULY AUGUST SEPTEMBER OCTOBER NOVEMBER DECEMBER'.split(' ');
const days = 'SUNDAY MONDAY TUESDAY WEDNESDAY THURSDAY FRIDAY SATURDAY'.split(' ');

function cronText({ minute, hour, dayOfMonth, month, dayOfWeek }: CalendarSpecDescription): string {
  return [
    fieldText(minute, 0, 59),
    fieldText(hour, 0, 23),
    fieldText(dayOfMonth, 1, 31),
    fieldText(month, 1, 12, (name) => months.indexOf(name) + 1),
    fieldText(dayOfWeek, 0, 6, (name) => days.indexOf(name)),
  ].join(' ');
}

interface Range<T> {
  readonly start: T;
  readonly end: T;
  readonly step: number;
}

function fieldText<T extends string | number>(
  ranges: readonly Range<T>[],
  least: number,
  most: number,
  numberOf: (value: T) => number = Number,
): string {
  const parts = ranges.map(({ start, end, step }) => {
    const [from, to] = [numberOf(start), numberOf(end)];
    if (from === to) return String(from);
    const range = from === least && to === most ? '*' : `${String(from)}-${String(to)}`;
    return step > 1 ? `${range}/${String(step)}` : range;
  });
  return parts.join(',') || '*';
}

function wrong(where: string, found: string, hint: string): MtrlError {
  return new MtrlError('USAGE', 'the schedule is invalid', { where, found, hint });
}
