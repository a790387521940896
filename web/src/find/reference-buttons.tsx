import { Check, PaintBucket, Shapes } from "lucide-react";

import type { Picture, Role } from "@/api/pictures";
import { plural } from "@/lib/format";
import { isSame, MOST_REFERENCES, useReferences } from "@/references/store";
import { Button } from "@/ui/button";

const ROLES = [
  { role: "style", label: "Style reference", icon: PaintBucket },
  { role: "subject", label: "Subject reference", icon: Shapes },
] as const;

/** Puts a picture into the references, in one of the roles, and says what it is there. */
export function ReferenceButtons({ picture: { id, title, licence } }: { picture: Picture }) {
  const { references, add, remove } = useReferences();
  const source = { kind: "gallery", id } as const;
  const known = references.find((reference) => isSame(reference.source, source));
  const full = known === undefined && references.length >= MOST_REFERENCES;
  const toggle = (role: Role) => {
    if (known?.role === role) remove(known.key);
    else add({ source, title, role, licence });
  };
  return (
    <div role="group" aria-label="Use as a reference" className="grid grid-cols-2 gap-1.5">
      {ROLES.map(({ role, label, icon: Icon }) => {
        const pressed = known?.role === role;
        return (
          <Button
            key={role}
            size="small"
            look={pressed ? "solid" : "outline"}
            aria-pressed={pressed}
            disabled={full}
            onClick={() => toggle(role)}
          >
            {pressed ? <Check /> : <Icon />}
            {label}
          </Button>
        );
      })}
      <p role="status" className="col-span-2 text-xs text-soft">
        {full
          ? `All ${MOST_REFERENCES} references are taken. Remove one first.`
          : known === undefined
            ? "Not among the references"
            : `Gives its ${known.role}; ${plural(references.length, "reference")} in all`}
      </p>
    </div>
  );
}
