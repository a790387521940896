import type { ComponentProps } from "react";

import { Button } from "./button";
import { Tip } from "./overlays";

type IconButtonProps = Omit<ComponentProps<typeof Button>, "aria-label"> & {
  /** The accessible name. */
  name: string;
  /** What a pointer shows, where it differs from the name. */
  tip?: string;
  /** The keyboard shortcut. */
  keys?: string;
};

/** A button with an icon, which shows its name on hover. */
export function IconButton({ name, tip = name, keys, ...rest }: IconButtonProps) {
  return (
    <Tip text={tip} {...(keys === undefined ? {} : { keys })}>
      <Button look="ghost" size="icon-small" aria-label={name} {...rest} />
    </Tip>
  );
}
