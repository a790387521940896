import {
  History,
  ImagePlus,
  KeyRound,
  Keyboard,
  Monitor,
  Moon,
  Paperclip,
  PenTool,
  Settings2,
  Sun,
} from "lucide-react";

import { cn } from "@/lib/classes";
import { openKeys } from "@/state/keys-dialog";
import { usePlace, type Place } from "@/state/place";
import { useSession, type Theme } from "@/state/session";
import { IconButton } from "@/ui/icon-button";

const LINKS: readonly { place: Place; title: string; icon: typeof PenTool }[] = [
  { place: "studio", title: "Studio", icon: PenTool },
  { place: "history", title: "History", icon: History },
  { place: "admin", title: "Admin", icon: Settings2 },
];

const THEMES: Record<Theme, { next: Theme; title: string; icon: typeof Sun }> = {
  system: { next: "light", title: "System theme", icon: Monitor },
  light: { next: "dark", title: "Light theme", icon: Sun },
  dark: { next: "system", title: "Dark theme", icon: Moon },
};

interface HeaderProps {
  onAdd: () => void;
  onHelp: () => void;
}

export function Header(props: HeaderProps) {
  return (
    <header
      className="flex h-12 shrink-0 items-center gap-4 border-b bg-panel px-4 max-sm:gap-2
        max-sm:px-3"
    >
      <a
        href="#/studio"
        className="flex items-center gap-2 font-semibold tracking-tight"
        aria-label="Clippy, go to the studio"
      >
        <span
          aria-hidden
          className="flex size-6 items-center justify-center rounded-[5px] bg-solid text-on-solid"
        >
          <Paperclip className="size-3.5" />
        </span>
        <span className="max-sm:hidden">Clippy</span>
      </a>
      <Links />
      <Buttons {...props} />
    </header>
  );
}

function Links() {
  const current = usePlace();
  return (
    <nav aria-label="Main" className="flex items-center gap-0.5">
      {LINKS.map(({ place, title, icon: Icon }) => (
        <a
          key={place}
          href={`#/${place}`}
          aria-current={place === current ? "page" : undefined}
          className={cn(
            "flex h-8 items-center gap-1.5 rounded-md px-2.5 text-[0.8125rem] font-medium",
            "text-soft transition-colors hover:bg-well hover:text-ink",
            place === current && "bg-well text-ink",
          )}
        >
          <Icon className="size-4" />
          {title}
        </a>
      ))}
    </nav>
  );
}

function Buttons({ onAdd, onHelp }: HeaderProps) {
  const { theme, setTheme, key } = useSession();
  const { next, title, icon: ThemeIcon } = THEMES[theme];
  return (
    <div className="ml-auto flex items-center">
      <IconButton name="Add pictures" onClick={onAdd}>
        <ImagePlus />
      </IconButton>
      {key !== "" && (
        <IconButton name="API key" onClick={() => openKeys("key")}>
          <KeyRound />
        </IconButton>
      )}
      <IconButton name="Keyboard shortcuts" keys="?" className="max-sm:hidden" onClick={onHelp}>
        <Keyboard />
      </IconButton>
      <IconButton name={`${title}. Change the theme`} tip={title} onClick={() => setTheme(next)}>
        <ThemeIcon />
      </IconButton>
    </div>
  );
}
