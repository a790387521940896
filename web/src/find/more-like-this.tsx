import { Layers, Palette, Shapes } from "lucide-react";

import { cn } from "@/lib/classes";
import { Button } from "@/ui/button";
import { Popover, PopoverClose } from "@/ui/overlays";

/** What further pictures should share with a picture. */
export type Likeness = "subject" | "style";

const CHOICES = [
  { likeness: "subject", label: "Same subject", icon: Shapes },
  { likeness: "style", label: "Same style", icon: Palette },
] as const;

interface MoreLikeThisProps {
  /** The name of the picture. */
  name: string;
  /** What is searched for already. */
  chosen: Readonly<Record<Likeness, boolean>>;
  onChoose: (likeness: Likeness) => void;
}

/** Asks what pictures like this one should share with it. */
export function MoreLikeThis({ name, chosen, onChoose }: MoreLikeThisProps) {
  return (
    <Popover
      label={`More like ${name}`}
      align="end"
      className="flex w-auto flex-col gap-0.5 p-1"
      trigger={
        <Button
          size="icon-tiny"
          className={cn(
            "border-0 shadow-sm",
            (chosen.subject || chosen.style) && "bg-blue-soft text-blue",
          )}
          aria-label={`More like ${name}`}
          title="More like this"
        >
          <Layers />
        </Button>
      }
    >
      {CHOICES.map(({ likeness, label, icon: Icon }) => (
        <PopoverClose key={likeness} asChild>
          <Button
            look="ghost"
            size="small"
            className="justify-start"
            aria-pressed={chosen[likeness]}
            onClick={() => onChoose(likeness)}
          >
            <Icon />
            {label}
          </Button>
        </PopoverClose>
      ))}
    </Popover>
  );
}
