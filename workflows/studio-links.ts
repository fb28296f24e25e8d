/** Links from the Web UI to pages of the studio; none if whoever started the workflow did not know its address. */
import { workflowInfo } from '@temporalio/workflow';
import { studioMemo } from '../contract/studio-memo.ts';

interface StudioPage {
  readonly title: string;
  readonly view: string;
  /** Absent for pages that belong to no experiment. */
  readonly experimentId?: string;
  readonly run?: string;
}

/** A line of markdown, in a list of none or one. */
export function studioLine(pages: readonly StudioPage[]): string[] {
  const address = workflowInfo().memo?.[studioMemo];
  if (typeof address !== 'string' || !/^https?:/.test(address)) return [];
  const links = pages.map(({ title, view, experimentId, run }) => {
    const path = experimentId === undefined ? view : `e/${encoded(experimentId)}/${view}`;
    return `[${title}](${address}#/${path}${run === undefined ? '' : `?run=${encoded(run)}`})`;
  });
  return [`studio: ${links.join(' · ')}`];
}

/** Also of parentheses, which end a link in markdown. */
function encoded(text: string): string {
  return encodeURIComponent(text).replace(/[()]/g, (sign) => `%${sign.charCodeAt(0).toString(16)}`);
}
