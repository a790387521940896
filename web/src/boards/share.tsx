import { useMutation, useQuery } from "@tanstack/react-query";
import { Check, Copy, Share2 } from "lucide-react";
import { useState } from "react";

import type { Board } from "@/api/boards";
import { api, body, type Schemas } from "@/api/client";
import { queryClient } from "@/api/query-client";
import { refreshBoards } from "@/api/use-boards";
import { at } from "@/lib/address";
import { Button } from "@/ui/button";
import { Field, Input, Select } from "@/ui/controls";
import { Dialog } from "@/ui/overlays";
import { Notice } from "@/ui/states";

const DAY = 86_400;
const LASTS: readonly { days: number; title: string }[] = [
  { days: 1, title: "1 day" },
  { days: 7, title: "7 days" },
  { days: 30, title: "30 days" },
  { days: 365, title: "1 year" },
];

/** Shares a board by links that expire, and revokes them. */
export function ShareButton({ board }: { board: Board }) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button size="small" onClick={() => setOpen(true)}>
        <Share2 />
        Share
      </Button>
      {open && (
        <Dialog
          open
          onClose={() => setOpen(false)}
          title={`Share “${board.name}”`}
          description="Whoever has a link sees this board with its pictures and notes, and cannot
            change it. A link ends by itself, or when you revoke it."
        >
          <div className="flex flex-col gap-5">
            <NewLink board={board.id} />
            <Links board={board.id} />
          </div>
        </Dialog>
      )}
    </>
  );
}

function refresh(board: string): void {
  void queryClient.invalidateQueries({ queryKey: ["shares", board] });
  refreshBoards();
}

function NewLink({ board }: { board: string }) {
  const [days, setDays] = useState(7);
  const making = useMutation({
    mutationFn: async () => {
      const call = { params: { path: { id: board } }, body: { expires_in: days * DAY } };
      return body(await api.POST("/api/boards/{id}/shares", call));
    },
    onSuccess: () => refresh(board),
  });
  return (
    <form
      className="flex flex-col gap-3"
      onSubmit={(event) => {
        event.preventDefault();
        making.mutate();
      }}
    >
      <div className="flex items-end gap-2">
        <Field label="The link is valid for" htmlFor="share-days" className="flex-1">
          <Select
            id="share-days"
            value={days}
            onChange={({ target }) => setDays(Number(target.value))}
          >
            {LASTS.map((choice) => (
              <option key={choice.days} value={choice.days}>
                {choice.title}
              </option>
            ))}
          </Select>
        </Field>
        <Button type="submit" look="solid" disabled={making.isPending}>
          Create a link
        </Button>
      </div>
      {making.error !== null && <Notice error={making.error} />}
      {making.data !== undefined && <Made key={making.data.id} link={making.data} />}
    </form>
  );
}

/** The new link. Its token is shown only now: the server keeps a digest of it. */
function Made({ link }: { link: Schemas["NewShareResponse"] }) {
  const [copied, setCopied] = useState(false);
  const { href } = at(`/#/shared/${link.token}`);
  const copy = async () => {
    // Pages without TLS have no clipboard. There, the text can be selected.
    await (navigator.clipboard as Clipboard | undefined)?.writeText(href);
    setCopied(navigator.clipboard !== undefined);
  };
  return (
    <div className="flex flex-col gap-1.5">
      <div className="flex gap-2">
        <Input
          readOnly
          aria-label="Link to the board"
          value={href}
          onFocus={({ target }) => target.select()}
        />
        <Button onClick={() => void copy()}>
          {copied ? <Check /> : <Copy />}
          {copied ? "Copied" : "Copy"}
        </Button>
      </div>
      <p className="text-xs text-soft">Copy it now: it cannot be shown again.</p>
    </div>
  );
}

function day(at: string): string {
  return new Date(at).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" });
}

function Links({ board }: { board: string }) {
  const { data: shares = [], error } = useQuery({
    queryKey: ["shares", board],
    queryFn: async () => {
      const params = { path: { id: board } };
      return body(await api.GET("/api/boards/{id}/shares", { params })).shares;
    },
  });
  const revoking = useMutation({
    mutationFn: async (share: string) => {
      const params = { path: { id: board, share } };
      await api.DELETE("/api/boards/{id}/shares/{share}", { params });
    },
    onSuccess: () => refresh(board),
  });
  if (error !== null) return <Notice error={error} />;
  if (shares.length === 0) return null;
  return (
    <div>
      <h3 className="label-caps mb-1.5">Valid links</h3>
      <ul className="flex flex-col gap-1.5">
        {shares.map(({ id, created_at, expires_at }) => (
          <li key={id} className="flex items-center gap-3 text-[0.8125rem]">
            <span className="min-w-0 flex-1">
              Made {day(created_at)}, valid until {day(expires_at)}
            </span>
            <Button size="tiny" look="danger" onClick={() => revoking.mutate(id)}>
              Revoke
            </Button>
          </li>
        ))}
      </ul>
      {revoking.error !== null && <Notice error={revoking.error} className="mt-2" />}
    </div>
  );
}
