/** A table with a line of heads, in a region that scrolls where it is too wide. */
import type { ComponentChildren } from 'preact';

interface PlainTableProps {
  /** For those who do not see it. */
  readonly label: string;
  readonly heads: readonly string[];
  readonly isPanel?: boolean;
  /** Its rows. */
  readonly children: ComponentChildren;
}

export function PlainTable({ label, heads, isPanel = false, children }: PlainTableProps) {
  return (
    <div class={isPanel ? 'panel scroll' : 'scroll'} tabIndex={0} role="region" aria-label={label}>
      <table class="plain">
        <thead>
          <tr>
            {heads.map((head) => (
              <th scope="col" key={head}>
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}
