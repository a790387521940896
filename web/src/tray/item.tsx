import { X } from "lucide-react";

import type { Provider, Support } from "@/api/client";
import { picturePath } from "@/api/pictures";
import { cn } from "@/lib/classes";
import { percent, words } from "@/lib/format";
import { supportOf, useReferences, type Reference } from "@/references/store";
import { Segments, Slider } from "@/ui/controls";
import { drag } from "@/ui/drag";
import { Picture } from "@/ui/picture";

const SUPPORT: Record<Support, { dot: string; label: string }> = {
  yes: { dot: "bg-green", label: "Honoured" },
  approximate: { dot: "bg-amber", label: "Approximated" },
  no: { dot: "bg-ruby", label: "Dropped" },
};

interface ReferenceItemProps {
  reference: Reference;
  /** All of them: providers take the first ones. */
  references: readonly Reference[];
  provider: Provider | null;
}

/** One reference, with its role, its weight, and how the provider will treat it. */
export function ReferenceItem({ reference, references, provider }: ReferenceItemProps) {
  const { change, remove } = useReferences();
  const { key, role, weight } = reference;
  const title = words(reference.title);
  return (
    <li
      className="flex w-[13.5rem] shrink-0 gap-2.5 rounded-md border border-line bg-raised p-2
        max-lg:h-32 max-lg:w-full"
    >
      <Thumbnail reference={reference} />
      <div className="flex min-w-0 flex-1 flex-col gap-1">
        <div className="flex items-center gap-1">
          <span
            dir="auto"
            className="min-w-0 flex-1 truncate text-left text-xs font-medium"
            title={title}
          >
            {title}
          </span>
          <button
            type="button"
            aria-label={`Remove ${title}`}
            className="-m-1 rounded-sm p-1 text-soft hover:text-ink"
            onClick={(event) => {
              const next = nextButton(event.currentTarget);
              remove(key);
              next?.focus();
            }}
          >
            <X className="size-3.5" />
          </button>
        </div>
        <Segments
          small
          className="w-full"
          label={`Role of ${title}`}
          value={role}
          onChange={(next) => change(key, { role: next })}
          choices={[
            { value: "style", label: "Style" },
            { value: "subject", label: "Subject" },
          ]}
        />
        <div className="flex items-center gap-2">
          <Slider
            label={`Weight of ${title}`}
            value={weight}
            valueText={percent(weight)}
            onChange={(next) => change(key, { weight: next })}
            className="h-5"
          />
          <span className="tabular w-8 text-right text-2xs text-soft">{percent(weight)}</span>
        </div>
        {provider !== null && <SupportNote {...supportOf(provider, references, reference)} />}
      </div>
    </li>
  );
}

/** The same button of the reference after or before this one, so that the focus is not lost. */
function nextButton(button: HTMLElement): HTMLElement | null {
  const item = button.closest("li");
  const beside = item?.nextElementSibling ?? item?.previousElementSibling;
  return beside?.querySelector<HTMLElement>("button[aria-label^='Remove']") ?? null;
}

function Thumbnail({ reference }: { reference: Reference }) {
  const { source, title, reason, licence } = reference;
  const shared = {
    alt: words(title),
    title: reason ?? words(title),
    className: "h-full min-h-20 w-20 shrink-0 rounded-sm bg-well object-cover max-lg:w-28",
  };
  if (source.kind === "own") return <img src={source.url} {...shared} alt={shared.alt} />;
  return (
    <Picture
      path={picturePath({ id: source.id }, 256)}
      draggable
      onDragStart={(event) => drag(event, { id: source.id, title, licence })}
      {...shared}
    />
  );
}

function SupportNote({ support, note }: { support: Support; note: string }) {
  const { dot, label } = SUPPORT[support];
  return (
    <p className="flex items-center gap-1.5 text-2xs text-soft" title={note}>
      <span aria-hidden className={cn("size-1.5 shrink-0 rounded-full", dot)} />
      <span className="truncate">
        {label}
        <span className="sr-only">: {note}</span>
      </span>
    </p>
  );
}
