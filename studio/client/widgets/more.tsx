/** Asks for the next page when it comes into view, or when it is pressed. */
import { useEffect, useRef } from 'preact/hooks';

interface MoreProps {
  readonly more: (() => void) | undefined;
  readonly isWaiting: boolean;
}

export function More({ more, isWaiting }: MoreProps) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (place.current === null || more === undefined || isWaiting) return;
    const observer = new IntersectionObserver((entries) => {
      if (entries.some((entry) => entry.isIntersecting)) more();
    });
    observer.observe(place.current);
    return () => observer.disconnect();
  });
  if (more === undefined && !isWaiting) return null;
  return (
    <div class="more" ref={place}>
      <button type="button" onClick={more} disabled={more === undefined || isWaiting}>
        {isWaiting ? 'Reading…' : 'More'}
      </button>
    </div>
  );
}
