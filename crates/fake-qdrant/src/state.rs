//! The collections and aliases of a server.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::RwLock;
use qdrant_client::qdrant as wire;
use qdrant_client::qdrant::alias_operations::Action;
use tonic::Status;
use tonic::metadata::MetadataMap;

use crate::collection::Collection;
use crate::faults::Faults;
use crate::options::FakeOptions;

/// The state that the services share.
pub(crate) struct State {
    home: Arc<tempfile::TempDir>,
    next: AtomicU64,
    pub(crate) options: FakeOptions,
    pub(crate) faults: Faults,
    names: RwLock<Names>,
}

#[derive(Default)]
struct Names {
    collections: BTreeMap<String, Arc<Collection>>,
    aliases: BTreeMap<String, String>,
}

fn missing(name: &str) -> Status {
    Status::not_found(format!("Not found: Collection `{name}` doesn't exist!"))
}

fn given_key(metadata: &MetadataMap) -> Option<&str> {
    metadata
        .get("api-key")
        .and_then(|given| given.to_str().ok())
}

impl State {
    pub(crate) fn new(home: tempfile::TempDir, options: FakeOptions) -> Self {
        let home = Arc::new(home);
        Self {
            home,
            next: AtomicU64::new(1),
            options,
            faults: Faults::default(),
            names: RwLock::default(),
        }
    }

    /// Refuses calls without the right key.
    pub(crate) fn check_key(&self, metadata: &MetadataMap) -> Result<(), Status> {
        let Some(key) = &self.options.api_key else {
            return Ok(());
        };
        match given_key(metadata) {
            Some(given) if given == key || self.options.read_only_key.as_deref() == Some(given) => {
                Ok(())
            }
            Some(_) => Err(Status::unauthenticated("Invalid API key or JWT")),
            None => Err(Status::unauthenticated(
                "Must provide an API key or an Authorization bearer token",
            )),
        }
    }

    /// Call it before anything is changed: checks that the key allows writing and that no fault
    /// prevents it.
    pub(crate) async fn before_write(&self, metadata: &MetadataMap) -> Result<(), Status> {
        if self.options.read_only_key.is_some()
            && self.options.read_only_key.as_deref() == given_key(metadata)
        {
            return Err(Status::permission_denied(
                "Forbidden: Global manage access is required",
            ));
        }
        self.faults.before_write().await
    }

    /// Finds a collection by its name or an alias.
    pub(crate) fn find(&self, name: &str) -> Result<Arc<Collection>, Status> {
        let names = self.names.read();
        let real = names.aliases.get(name).map_or(name, String::as_str);
        names
            .collections
            .get(real)
            .cloned()
            .ok_or_else(|| missing(name))
    }

    /// Returns whether the server's version is at least this.
    pub(crate) fn is_at_least(&self, minor: u64) -> bool {
        self.options
            .version
            .split('.')
            .nth(1)
            .and_then(|part| part.parse::<u64>().ok())
            .is_some_and(|found| found >= minor)
    }

    pub(crate) fn collection_names(&self) -> Vec<String> {
        self.names.read().collections.keys().cloned().collect()
    }

    pub(crate) fn create(&self, mut request: wire::CreateCollection) -> Result<(), Status> {
        let name = request.collection_name.clone();
        let mut names = self.names.write();
        if names.collections.contains_key(&name) || names.aliases.contains_key(&name) {
            return Err(Status::already_exists(format!(
                "Wrong input: Collection `{name}` already exists!"
            )));
        }
        if !self.is_at_least(16) {
            // An older server ignores the unknown field.
            request.metadata = HashMap::new();
        }
        let number = self.next.fetch_add(1, Ordering::SeqCst);
        names.collections.insert(
            name,
            Arc::new(Collection::create(&self.home, number, request)?),
        );
        Ok(())
    }

    pub(crate) fn delete(&self, name: &str) -> Result<bool, Status> {
        let mut names = self.names.write();
        // Running reads still hold the collection; its files are removed when the server ends.
        if names.collections.remove(name).is_none() {
            return Ok(false);
        }
        names.aliases.retain(|_, target| target != name);
        Ok(true)
    }

    /// Applies all of these changes, or none.
    pub(crate) fn change_aliases(&self, actions: Vec<wire::AliasOperations>) -> Result<(), Status> {
        let mut names = self.names.write();
        let mut aliases = names.aliases.clone();
        for action in actions {
            match action.action {
                Some(Action::CreateAlias(create)) => {
                    if !names.collections.contains_key(&create.collection_name) {
                        return Err(missing(&create.collection_name));
                    }
                    if names.collections.contains_key(&create.alias_name) {
                        return Err(Status::already_exists(format!(
                            "Wrong input: Collection `{}` already exists!",
                            create.alias_name
                        )));
                    }
                    aliases.insert(create.alias_name, create.collection_name);
                }
                Some(Action::DeleteAlias(delete)) => {
                    aliases.remove(&delete.alias_name);
                }
                Some(Action::RenameAlias(rename)) => {
                    let target = aliases.remove(&rename.old_alias_name).ok_or_else(|| {
                        Status::not_found(format!(
                            "Not found: Alias {} does not exists!",
                            rename.old_alias_name
                        ))
                    })?;
                    aliases.insert(rename.new_alias_name, target);
                }
                None => return Err(Status::invalid_argument("Malformed ChangeAliases")),
            }
        }
        names.aliases = aliases;
        Ok(())
    }

    /// Aliases, of one collection or of all.
    pub(crate) fn aliases(&self, of: Option<&str>) -> Vec<wire::AliasDescription> {
        let names = self.names.read();
        names
            .aliases
            .iter()
            .filter(|(_, target)| of.is_none_or(|of| of == target.as_str()))
            .map(|(alias, target)| wire::AliasDescription {
                alias_name: alias.clone(),
                collection_name: target.clone(),
            })
            .collect()
    }
}
