/** A moment in the time zone and the words of the person who reads it; to the millisecond in its title. */
export function Moment({ at }: { readonly at: number | string }) {
  const date = new Date(at);
  return (
    <time dateTime={date.toISOString()} title={date.toISOString()}>
      {date.toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' })}
    </time>
  );
}
