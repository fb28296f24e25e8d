/** What stands where there is nothing to show yet, or nothing at all. */
import type { Failure } from '../../api.ts';

export function Failed({ failure }: { readonly failure: Failure['error'] }) {
  const { code, message, where, found, hint } = failure;
  return (
    <div class="notice failed" role="alert">
      <b>{capital(message)}</b>
      {where === undefined ? null : <p>{where}</p>}
      {found === undefined ? null : <p>Found: {found}</p>}
      {hint === undefined ? null : <p>{capital(hint)}.</p>}
      <small>{code}</small>
    </div>
  );
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

export function Waiting() {
  return (
    <div class="notice waiting" role="status">
      Reading…
    </div>
  );
}

export function Nothing({ children }: { readonly children: string }) {
  return <div class="notice">{children}</div>;
}
