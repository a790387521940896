import { useState } from "react";

import { Picture } from "@/ui/picture";

interface CompareProps {
  /** A data URL. */
  before: string;
  /** A path of the server. */
  after: string;
  labels: readonly [string, string];
}

const LINE = "bg-white shadow-[0_0_0_1px_rgb(0_0_0/0.35)]";

/** Two pictures over each other, with a line between them that is dragged or moved by keys. */
export function Compare({ before, after, labels }: CompareProps) {
  const [place, setPlace] = useState(50);
  return (
    <div className="relative overflow-hidden rounded-md bg-white select-none">
      <Picture
        path={after}
        alt={labels[1]}
        draggable={false}
        className="block max-h-[70dvh] w-full object-contain"
      />
      <img
        src={before}
        alt={labels[0]}
        draggable={false}
        className="absolute inset-0 size-full bg-white object-contain"
        style={{ clipPath: `inset(0 ${100 - place}% 0 0)` }}
      />
      <span
        aria-hidden
        className={`absolute inset-y-0 w-0.5 -translate-x-1/2 ${LINE}`}
        style={{ left: `${place}%` }}
      >
        <span
          className={`absolute top-1/2 left-1/2 flex size-8 -translate-x-1/2 -translate-y-1/2
            items-center justify-center rounded-full text-sm text-[#222] ${LINE}`}
        >
          ⇔
        </span>
      </span>
      <input
        type="range"
        min={0}
        max={100}
        value={place}
        aria-label={`How much of ${labels[0].toLowerCase()} is shown`}
        onChange={(event) => setPlace(Number(event.target.value))}
        className="absolute inset-0 size-full cursor-ew-resize opacity-0"
      />
    </div>
  );
}
