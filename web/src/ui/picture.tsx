import { useState, type ComponentProps } from "react";

import { address, renewTicket, useTickets } from "@/api/tickets";

type PictureProps = Omit<ComponentProps<"img">, "src" | "srcSet" | "onError"> & {
  /** The server's path. */
  path: string;
  /** The same picture in several widths: path, width in pixels. */
  widths?: readonly (readonly [path: string, width: number])[];
};

/**
 * A picture of the server. It keeps the ticket that it was first shown with, so that a new ticket
 * does not load it again. A ticket that expired before the picture was loaded is replaced.
 */
export function Picture({ path, widths, alt, ...rest }: PictureProps) {
  const { ready, ticket } = useTickets();
  const [shown, show] = useState({ path, ticket, ready });
  const becameReady = !shown.ready && ready;
  const hadTicket = shown.ticket !== null;
  if (shown.path !== path || becameReady || hadTicket !== (ticket !== null)) {
    show({ path, ticket, ready });
  }
  if (!ready) return <img alt={alt} {...rest} />;
  return (
    <img
      src={address(path, shown.ticket)}
      {...(widths === undefined ? {} : { srcSet: sourceSet(widths, shown.ticket) })}
      alt={alt}
      onError={() => {
        if (shown.ticket === null) return;
        const reload = () => show({ path, ticket: useTickets.getState().ticket, ready: true });
        const { ticket: current, until } = useTickets.getState();
        if (current !== shown.ticket) reload();
        else if (until <= Date.now()) void renewTicket().then(reload);
      }}
      {...rest}
    />
  );
}

function sourceSet(widths: NonNullable<PictureProps["widths"]>, ticket: string | null): string {
  return widths.map(([path, width]) => `${address(path, ticket)} ${width}w`).join(", ");
}
