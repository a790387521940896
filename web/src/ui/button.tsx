import { cva, type VariantProps } from "class-variance-authority";
import { Slot } from "radix-ui";
import type { ComponentProps } from "react";

import { cn } from "@/lib/classes";

const button = cva(
  [
    "inline-flex shrink-0 select-none items-center justify-center gap-1.5 whitespace-nowrap",
    "rounded-md font-medium transition-colors disabled:pointer-events-none disabled:opacity-45",
    "[&_svg]:size-4 [&_svg]:shrink-0",
  ],
  {
    variants: {
      look: {
        solid: "bg-solid text-on-solid hover:bg-solid/85",
        outline: "border border-line bg-raised hover:border-edge hover:bg-well/60",
        ghost: [
          "text-soft hover:bg-well hover:text-ink aria-pressed:bg-blue-soft",
          "aria-pressed:text-blue data-[state=open]:bg-well",
        ],
        danger: "border border-ruby/40 bg-raised text-ruby hover:bg-ruby-soft",
        destructive: "bg-ruby text-panel hover:bg-ruby/85",
        link: "h-auto p-0 text-blue underline-offset-4 hover:underline",
      },
      size: {
        medium: "h-9 px-3.5",
        small: "h-8 px-2.5 text-[0.8125rem]",
        tiny: "h-7 px-2 text-xs [&_svg]:size-3.5",
        icon: "size-9",
        "icon-small": "size-8",
        "icon-tiny": "size-7 [&_svg]:size-3.5",
        bare: "",
      },
    },
    defaultVariants: { look: "outline", size: "medium" },
  },
);

export function Button({
  className,
  look,
  size,
  asChild = false,
  ...rest
}: ComponentProps<"button"> & VariantProps<typeof button> & { asChild?: boolean }) {
  const Element = asChild ? Slot.Root : "button";
  return (
    <Element
      {...(asChild ? {} : { type: "button" as const })}
      className={cn(button({ look, size }), className)}
      {...rest}
    />
  );
}
