import { useQuery } from "@tanstack/react-query";
import { Link2Off } from "lucide-react";

import { api, body, type Schemas } from "@/api/client";
import { pictureOf } from "@/api/pictures";
import { isNotFound } from "@/api/problem";
import { place, withParameter } from "@/lib/address";
import { words } from "@/lib/format";
import { usePart } from "@/state/place";
import { Empty, Failure } from "@/ui/states";

/** A board that somebody shared by a link. It can be looked at only. */
export default function SharedView() {
  const token = usePart();
  const { data, error, refetch } = useQuery({
    queryKey: ["shared", token],
    queryFn: async () =>
      body(await api.GET("/api/shared", { params: { query: { share: token } } })),
  });
  if (isNotFound(error)) {
    return (
      <Empty icon={<Link2Off />} title="This link is not valid">
        It has expired, or it was revoked. Ask whoever sent it for a new one.
      </Empty>
    );
  }
  if (error !== null) return <Failure error={error} onRetry={() => void refetch()} />;
  if (data === undefined) {
    return (
      <p role="status" className="p-8 text-center text-soft">
        Loading…
      </p>
    );
  }
  return <Shown board={data} token={token} />;
}

function Shown({ board, token }: { board: Schemas["SharedBoardResponse"]; token: string }) {
  const until = new Date(board.expires_at).toLocaleDateString("en-GB", { dateStyle: "long" });
  return (
    <div className="scroll-slim min-h-0 flex-1 overflow-y-auto">
      <div className="mx-auto flex max-w-6xl flex-col gap-5 p-5">
        <header>
          <h1 className="text-xl font-semibold tracking-tight">{board.name}</h1>
          <p className="text-xs text-soft">A shared board. This link is valid until {until}.</p>
        </header>
        <ol
          aria-label="Pictures of the board"
          className="grid grid-cols-[repeat(auto-fill,minmax(min(14rem,44%),1fr))] gap-4
            max-sm:gap-3"
        >
          {board.items.map((item) => (
            <Item key={item.picture} item={item} token={token} />
          ))}
        </ol>
      </div>
    </div>
  );
}

function Item({ item, token }: { item: Schemas["SharedItemResponse"]; token: string }) {
  const picture = pictureOf(item.picture, item.payload);
  const { address, artist, licence, source } = picture;
  const title = words(picture.title);
  const path = (width: number) =>
    place(
      withParameter(withParameter(address ?? "", "share", token), "w", String(width)),
    );
  const credits = [artist, licence].filter((part) => part !== null).join(" · ");
  return (
    <li className="flex min-w-0 flex-col gap-1">
      <a href={path(2048)} target="_blank" rel="noreferrer">
        <img
          src={path(512)}
          alt={title}
          loading="lazy"
          className="aspect-square w-full rounded-md bg-well object-cover"
        />
      </a>
      <p className="truncate text-xs font-medium">{title}</p>
      {(credits !== "" || source !== null) && (
        <p className="truncate text-2xs text-soft">
          {credits}
          {source !== null && (
            <a
              href={source}
              target="_blank"
              rel="noreferrer"
              className="text-blue underline-offset-2 hover:underline"
            >
              {credits === "" ? "Source" : " · Source"}
            </a>
          )}
        </p>
      )}
      {item.note !== "" && <p className="text-xs whitespace-pre-line">{item.note}</p>}
    </li>
  );
}
