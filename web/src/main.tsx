import "./index.css";

import { QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { queryClient } from "@/api/query-client";
import { keepTickets } from "@/api/tickets";

import { App } from "./app";

const root = document.getElementById("root");
if (root === null) throw new Error("The page has no root element.");
keepTickets();
createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={queryClient}>
      <App />
    </QueryClientProvider>
  </StrictMode>,
);
