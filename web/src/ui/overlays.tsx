import { X } from "lucide-react";
import { Dialog as RadixDialog, Popover as RadixPopover, Tooltip as RadixTooltip } from "radix-ui";
import {
  useRef,
  type FocusEvent,
  type KeyboardEvent,
  type ReactElement,
  type ReactNode,
} from "react";

import { cn } from "@/lib/classes";

import { Button } from "./button";

const TIP_DELAY = 400;

/** A label for a button that has only an icon, with its keyboard shortcut. */
export function Tip({
  text,
  keys,
  side = "bottom",
  children,
}: {
  text: string;
  keys?: string;
  side?: "top" | "bottom" | "left" | "right";
  children: ReactElement;
}) {
  return (
    <RadixTooltip.Provider delayDuration={TIP_DELAY}>
      <RadixTooltip.Root>
        <RadixTooltip.Trigger asChild onFocus={onlyByKeys}>
          {children}
        </RadixTooltip.Trigger>
        <RadixTooltip.Portal>
          <RadixTooltip.Content
            side={side}
            sideOffset={6}
            className="z-50 flex items-center gap-2 rounded-md bg-solid px-2 py-1 text-xs
              text-on-solid"
          >
            {text}
            {keys !== undefined && (
              <kbd className="rounded-sm bg-on-solid/15 px-1 font-sans text-2xs">{keys}</kbd>
            )}
          </RadixTooltip.Content>
        </RadixTooltip.Portal>
      </RadixTooltip.Root>
    </RadixTooltip.Provider>
  );
}

/** Leaves a label out for a focus that no key has moved, as in a dialog that was just opened. */
function onlyByKeys(event: FocusEvent<HTMLElement>): void {
  if (!event.currentTarget.matches(":focus-visible")) event.preventDefault();
}

/** Closes the popover around it. Takes a button as its child. */
export const PopoverClose = RadixPopover.Close;

export function Popover({
  trigger,
  label,
  children,
  align = "start",
  className,
}: {
  trigger: ReactElement;
  label: string;
  children: ReactNode;
  align?: "start" | "center" | "end";
  className?: string;
}) {
  return (
    <RadixPopover.Root>
      <RadixPopover.Trigger asChild>{trigger}</RadixPopover.Trigger>
      <RadixPopover.Portal>
        <RadixPopover.Content
          aria-label={label}
          align={align}
          sideOffset={6}
          collisionPadding={12}
          className={cn(
            "z-50 w-72 rounded-lg border border-line bg-raised p-4 shadow-lg shadow-black/10",
            className,
          )}
        >
          {children}
        </RadixPopover.Content>
      </RadixPopover.Portal>
    </RadixPopover.Root>
  );
}

/** Where the focus goes if the element that had it before a dialog is gone. */
const FALLBACK = "main";

/**
 * Moves the focus back to where it was before a dialog. Radix does that only for dialogs with a
 * trigger of its own.
 */
function useReturn(returnTo: (() => HTMLElement | null) | undefined) {
  const opener = useRef<Element | null>(null);
  return {
    onOpenAutoFocus: () => {
      opener.current = document.activeElement;
    },
    onCloseAutoFocus: (event: Event) => {
      event.preventDefault();
      const wanted = returnTo?.() ?? opener.current;
      if (wanted === document.body) return;
      if (wanted instanceof HTMLElement) wanted.focus();
      if (document.activeElement !== wanted) document.getElementById(FALLBACK)?.focus();
    },
  };
}

export function Dialog({
  open,
  onClose,
  title,
  description,
  buttons,
  returnTo,
  onKeyDown,
  children,
  className,
}: {
  open: boolean;
  onClose: () => void;
  title: string;
  description?: ReactNode;
  /** Beside *Close*. */
  buttons?: ReactNode;
  /** What gets the focus when it is closed, if that is not what had it before. */
  returnTo?: () => HTMLElement | null;
  onKeyDown?: (event: KeyboardEvent) => void;
  children: ReactNode;
  className?: string;
}) {
  const focus = useReturn(returnTo);
  return (
    <RadixDialog.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <RadixDialog.Portal>
        <RadixDialog.Overlay className="fixed inset-0 z-40 bg-black/45" />
        <RadixDialog.Content
          {...focus}
          onKeyDown={onKeyDown}
          {...(description === undefined ? { "aria-describedby": undefined } : {})}
          className={cn(
            "scroll-slim fixed top-1/2 left-1/2 z-50 max-h-[calc(100dvh-1.5rem)]",
            "w-[calc(100vw-1.5rem)] max-w-lg -translate-x-1/2 -translate-y-1/2 overflow-y-auto",
            "rounded-lg border border-line bg-panel p-5 shadow-2xl shadow-black/25",
            className,
          )}
        >
          <div className="mb-4 flex items-start justify-between gap-4">
            <div className="min-w-0">
              <RadixDialog.Title
                dir="auto"
                className="text-base font-semibold tracking-tight text-balance"
              >
                {title}
              </RadixDialog.Title>
              {description !== undefined && (
                <RadixDialog.Description className="mt-1 text-soft">
                  {description}
                </RadixDialog.Description>
              )}
            </div>
            <div className="-mt-1 -mr-1 flex shrink-0 items-center">
              {buttons}
              <RadixDialog.Close asChild>
                <Button look="ghost" size="icon-small" aria-label="Close">
                  <X />
                </Button>
              </RadixDialog.Close>
            </div>
          </div>
          {children}
        </RadixDialog.Content>
      </RadixDialog.Portal>
    </RadixDialog.Root>
  );
}
