import { useSession } from "@/state/session";

/** Whether the user is an admin: with an admin key, or without keys on the server's own machine. */
export function useIsOwner(): boolean {
  const { key, adminKey } = useSession();
  const { hostname } = window.location;
  const local = ["localhost", "127.0.0.1", "[::1]"].includes(hostname);
  return adminKey !== "" || (key === "" && local);
}
