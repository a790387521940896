import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { showRecent } from "@/jobs/store";
import { closeKeys, useKeysDialog } from "@/state/keys-dialog";
import { useSession, type KeyName } from "@/state/session";
import { Button } from "@/ui/button";
import { Field, Input, Switch } from "@/ui/controls";
import { Dialog } from "@/ui/overlays";

const TEXTS: Record<KeyName, { title: string; explains: string }> = {
  key: {
    title: "Key",
    explains: "This server needs one of its API_KEYS. Whoever runs the server can tell you one.",
  },
  adminKey: {
    title: "Admin key",
    explains: "One of the server's ADMIN_KEYS. It shows and cancels the jobs of all users.",
  },
};

/** The dialog for a key, when the server needs one. */
export function KeysDialog() {
  const open = useKeysDialog((state) => state.open);
  return open === null ? null : <KeyForm which={open} />;
}

function KeyForm({ which }: { which: KeyName }) {
  const session = useSession();
  const client = useQueryClient();
  const [value, setValue] = useState(session[which]);
  const [keep, setKeep] = useState(session.kept[which]);
  const { title, explains } = TEXTS[which];
  const setKey = (key: string) => {
    session.setKey(which, key, keep);
    closeKeys();
    void client.invalidateQueries();
    void showRecent();
  };
  return (
    <Dialog open onClose={closeKeys} title={title} description={explains}>
      <form
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          setKey(value);
        }}
      >
        <Field label="Key" htmlFor="key-value">
          <Input
            id="key-value"
            type="password"
            autoComplete="off"
            value={value}
            onChange={(event) => setValue(event.target.value)}
          />
        </Field>
        <div className="flex flex-col gap-1.5">
          <Switch
            id="key-keep"
            label="Remember in this browser"
            checked={keep}
            onChange={setKeep}
          />
          <p className="text-xs text-soft">
            {keep
              ? "The key stays in this browser's storage, readable for everybody who uses this " +
                "browser, until you remove it here. "
              : "Only this tab has the key, until it is closed. "}
            It is sent in a header. Addresses of pictures contain a ticket instead, which expires
            after ten minutes.
          </p>
        </div>
        <div className="flex justify-end gap-2">
          {session[which] !== "" && <Button onClick={() => setKey("")}>Remove key</Button>}
          <Button look="solid" type="submit">
            Use key
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
