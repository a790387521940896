import { useState, type ComponentProps } from "react";

import { address, renewed, useTickets } from "@/api/tickets";

type PictureProps = Omit<ComponentProps<"img">, "src" | "srcSet" | "onError"> & {
  /** The server's path. */
  path: string;
  /** The same picture in other widths: path, width in pixels. */
  widths?: readonly (readonly [path: string, width: number])[];
};

/**
 * A picture of the server. It keeps the ticket that it was first shown with, so that a renewed ticket loads nothing
 * twice; one that ended before the picture came is replaced.
 */
export function Picture({ path, widths, alt, ...rest }: PictureProps) {
  const { ready, ticket } = useTickets();
  const [shown, show] = useState({ path, ticket, ready });
  if (shown.path !== path || (!shown.ready && ready) || (shown.ticket === null) !== (ticket === null)) show({ path, ticket, ready });
  if (!ready) return <img alt={alt} {...rest} />;
  return (
    <img
      src={address(path, shown.ticket)}
      {...(widths === undefined ? {} : { srcSet: widths.map(([other, width]) => `${address(other, shown.ticket)} ${width}w`).join(", ") })}
      alt={alt}
      onError={() => {
        if (shown.ticket === null) return;
        const now = useTickets.getState();
        if (now.ticket !== shown.ticket) show({ path, ticket: now.ticket, ready: true });
        else if (now.until <= Date.now()) void renewed().then(() => show({ path, ticket: useTickets.getState().ticket, ready: true }));
      }}
      {...rest}
    />
  );
}
