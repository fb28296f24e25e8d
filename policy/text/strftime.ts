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

/** 1 for the first of January. */
function dayOfYear(date: Date): number {
  return Math.round((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / 86_400_000) + 1;
}

/** Weeks of the year, which start on this day of the week (0 is Sunday); days before the first are in week 0. */
function weekOf(date: Date, firstDay: number): number {
  return Math.floor((dayOfYear(date) + 6 - ((date.getUTCDay() - firstDay + 7) % 7)) / 7);
}

const directives: Readonly<Record<string, (date: Date) => string>> = {
  a: (date) => short(days[date.getUTCDay()] ?? ''),
  A: (date) => days[date.getUTCDay()] ?? '',
  b: (date) => short(months[date.getUTCMonth()] ?? ''),
  B: (date) => months[date.getUTCMonth()] ?? '',
  c: (date) => strftime(date, '%a %b %e %H:%M:%S %Y'),
  d: (date) => padded(date.getUTCDate()),
  D: (date) => strftime(date, '%m/%d/%y'),
  e: (date) => String(date.getUTCDate()).padStart(2),
  F: (date) => strftime(date, '%Y-%m-%d'),
  f: () => '000000',
  h: (date) => strftime(date, '%b'),
  H: () => '00',
  I: () => '12',
  j: (date) => padded(dayOfYear(date), 3),
  m: (date) => padded(date.getUTCMonth() + 1),
  M: () => '00',
  n: () => '\n',
  p: () => 'AM',
  R: () => '00:00',
  S: () => '00',
  t: () => '\t',
  T: () => '00:00:00',
  u: (date) => String(date.getUTCDay() || 7),
  U: (date) => padded(weekOf(date, 0)),
  w: (date) => String(date.getUTCDay()),
  W: (date) => padded(weekOf(date, 1)),
  x: (date) => strftime(date, '%m/%d/%y'),
  X: () => '00:00:00',
  y: (date) => padded(date.getUTCFullYear() % 100),
  Y: (date) => String(date.getUTCFullYear()),
  z: () => '',
  Z: () => '',
  '%': () => '%',
};

/** `%-d` is `%d` without leading zeros. Throws a plain Error for a directive that Python's documentation does not list. */
function strftime(date: Date, format: string): string {
  return format.replace(/%(-?)(.?)/gs, (whole, dash: string, letter: string) => {
    const write = Object.hasOwn(directives, letter) ? directives[letter] : undefined;
    if (write === undefined) throw new Error(`strftime_now knows no ${whole}`);
    const text = write(date);
    return dash === '' ? text : text.replace(/^[0 ]+(?=.)/, '');
  });
}

/** The function of templates. @param day as in `2024-07-26` */
export function strftimeAt(day: string): (format: string) => string {
  const date = new Date(`${day}T00:00:00Z`);
  return (format) => strftime(date, format);
}
