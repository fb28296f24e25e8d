/** Pictures in rows: small, and large in a box above the page when they are chosen. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { isBundle } from '../bundle.ts';
import { useHotkeys } from '../hotkeys.ts';

interface PicturesProps {
  readonly experimentId: string;
  /** sha256 of each. */
  readonly digests: readonly string[];
  readonly isLarge?: boolean;
}

export function Pictures({ experimentId, digests, isLarge = false }: PicturesProps) {
  const [open, setOpen] = useState<number>();
  return (
    <span class={`pictures${isLarge ? ' large' : ''}`}>
      {digests.map((digest, i) => (
        <button
          key={digest}
          type="button"
          class="picture"
          aria-label={`Picture ${String(i + 1)} of ${String(digests.length)}, enlarge`}
          onClick={() => setOpen(i)}
        >
          <img loading="lazy" alt="" src={sourceOf(experimentId, digest)} />
        </button>
      ))}
      {open === undefined ? null : (
        <Lightbox
          sources={digests.map((digest) => sourceOf(experimentId, digest))}
          first={open}
          close={() => setOpen(undefined)}
        />
      )}
    </span>
  );
}

function sourceOf(experimentId: string, digest: string): string {
  return isBundle ? `pictures/${digest}` : `/pictures/${encodeURIComponent(experimentId)}/${digest}`;
}

interface LightboxProps {
  readonly sources: readonly string[];
  readonly first: number;
  readonly close: () => void;
}

function Lightbox({ sources, first, close }: LightboxProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [at, setAt] = useState(first);
  useEffect(() => dialog.current?.showModal(), []);
  const move = (by: number) => () => setAt((at + by + sources.length) % sources.length);
  useHotkeys([
    { key: 'ArrowLeft', meaning: 'picture before', press: move(-1) },
    { key: 'ArrowRight', meaning: 'next picture', press: move(1) },
  ]);
  return (
    <dialog class="lightbox" ref={dialog} onClose={close} onClick={() => dialog.current?.close()} aria-label="Picture">
      <img alt={`Picture ${String(at + 1)} of ${String(sources.length)}`} src={sources[at]} />
      <p>
        {sources.length > 1 ? `${String(at + 1)} of ${String(sources.length)}, ← and → for the others` : null}
        <button type="button">Close</button>
      </p>
    </dialog>
  );
}
