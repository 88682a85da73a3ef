//! On which machine a conversation is looked for.

/// A machine whose runner is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Online {
    pub place: Place,
    pub workspace_roots: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub machine: String,
    pub host: String,
}

/// The machine that was named, if it is there; else the only one that works in this folder; else the first.
pub fn choose(online: Vec<Online>, wanted: Option<&str>, folder: Option<&str>) -> Option<Place> {
    if let Some(wanted) = wanted {
        return online.into_iter().map(|one| one.place).find(|place| place.machine == wanted);
    }
    let works_there = |one: &&Online| {
        folder.is_some_and(|folder| one.workspace_roots.iter().any(|root| is_inside(folder, root)))
    };
    let mut there = online.iter().filter(works_there);
    if let (Some(only), None) = (there.next(), there.next()) {
        return Some(only.place.clone());
    }
    online.into_iter().next().map(|one| one.place)
}

fn is_inside(folder: &str, root: &str) -> bool {
    let root = root.trim_end_matches(['/', '\\']);
    folder.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '\\']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(machine: &str, roots: &[&str]) -> Online {
        let place = Place { machine: machine.into(), host: "h".into() };
        Online { place, workspace_roots: roots.iter().map(|&root| root.into()).collect() }
    }

    fn chosen(online: &[Online], wanted: Option<&str>, folder: Option<&str>) -> Option<String> {
        choose(online.to_vec(), wanted, folder).map(|place| place.machine)
    }

    #[test]
    fn the_named_then_the_fitting_then_the_first() {
        let online = [one("a", &["/srv"]), one("b", &["/home/dev/"]), one("c", &["/srv/app"])];
        assert_eq!(chosen(&online, Some("c"), Some("/home/dev")).as_deref(), Some("c"));
        assert_eq!(chosen(&online, Some("gone"), None), None);
        assert_eq!(chosen(&online, None, Some("/home/dev/x")).as_deref(), Some("b"));
        assert_eq!(chosen(&online, None, Some("/home/developer")).as_deref(), Some("a"));
        assert_eq!(chosen(&online, None, Some("/srv/app")).as_deref(), Some("a"), "two of them fit");
        assert_eq!(chosen(&online, None, None).as_deref(), Some("a"));
        assert_eq!(chosen(&[], None, None), None);
    }
}
