/** Python's strftime in the C locale, for the date of chat templates: a day of the recipe, at midnight, never the clock. */

/** The day that Llama's templates write when they are given none. */
export const defaultPromptDate = '2024-07-26';

const days = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'] as const;
const months = [
  ...['January', 'February', 'March', 'April', 'May', 'June'],
  ...['July', 'August', 'September', 'October', 'November', 'December'],
] as const;

const short = (name: string): string => name.slice(0, 3);
const padded = (value: number, length = 2): string => String(value).padStart(length, '0');

/** A day of the Gregorian calendar; January is month 0. */
interface Day {
  readonly year: number;
  readonly month: number;
  readonly day: number;
}

const isLeap = (year: number): boolean => year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);

/** 1 for the first of January. */
function dayOfYear({ year, month, day }: Day): number {
  const lengths = [31, isLeap(year) ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
  return lengths.slice(0, month).reduce((sum, length) => sum + length, day);
}

/** 0 for a Sunday: 1 January of year 1 was a Monday. */
function weekday(date: Day): number {
  const years = date.year - 1;
  return (
    (years * 365 + Math.floor(years / 4) - Math.floor(years / 100) + Math.floor(years / 400) + dayOfYear(date)) % 7
  );
}

/** Weeks of the year, which start on this day of the week (0 is Sunday); days before the first are in week 0. */
function weekOf(date: Day, firstDay: number): number {
  return Math.floor((dayOfYear(date) + 6 - ((weekday(date) - firstDay + 7) % 7)) / 7);
}

const directives: Readonly<Record<string, (date: Day) => string>> = {
  a: (date) => short(days[weekday(date)] ?? ''),
  A: (date) => days[weekday(date)] ?? '',
  b: (date) => short(months[date.month] ?? ''),
  B: (date) => months[date.month] ?? '',
  c: (date) => strftime(date, '%a %b %e %H:%M:%S %Y'),
  d: (date) => padded(date.day),
  D: (date) => strftime(date, '%m/%d/%y'),
  e: (date) => String(date.day).padStart(2),
  F: (date) => strftime(date, '%Y-%m-%d'),
  f: () => '000000',
  h: (date) => strftime(date, '%b'),
  H: () => '00',
  I: () => '12',
  j: (date) => padded(dayOfYear(date), 3),
  m: (date) => padded(date.month + 1),
  M: () => '00',
  n: () => '\n',
  p: () => 'AM',
  R: () => '00:00',
  S: () => '00',
  t: () => '\t',
  T: () => '00:00:00',
  u: (date) => String(weekday(date) || 7),
  U: (date) => padded(weekOf(date, 0)),
  w: (date) => String(weekday(date)),
  W: (date) => padded(weekOf(date, 1)),
  x: (date) => strftime(date, '%m/%d/%y'),
  X: () => '00:00:00',
  y: (date) => padded(date.year % 100),
  Y: (date) => String(date.year),
  z: () => '',
  Z: () => '',
  '%': () => '%',
};

/** `%-d` is `%d` without leading zeros. Throws a plain Error for a directive that Python's documentation does not list. */
function strftime(date: Day, format: string): string {
  return format.replace(/%(-?)(.?)/gs, (whole, dash: string, letter: string) => {
    const write = Object.hasOwn(directives, letter) ? directives[letter] : undefined;
    if (write === undefined) throw new Error(`strftime_now knows no ${whole}`);
    const text = write(date);
    return dash === '' ? text : text.replace(/^[0 ]+(?=.)/, '');
  });
}

/** The function of templates. @param day as in `2024-07-26` */
export function strftimeAt(day: string): (format: string) => string {
  const [year = 1, month = 1, date = 1] = day.split('-').map(Number);
  return (format) => strftime({ year, month: month - 1, day: date }, format);
}
