//! Runs the contract suite of galleries on the embedded engine, over gRPC on a fake server, and on
//! a real server if there is one.

mod edge {
    use crate::support::empty_edge_gallery;
    clippy_gallery_contract::gallery_contract!(empty_edge_gallery);
}

mod qdrant {
    use crate::support::empty_fake_gallery;
    clippy_gallery_contract::gallery_contract!(empty_fake_gallery);
}

mod real_qdrant {
    use crate::support::empty_real_gallery;
    clippy_gallery_contract::gallery_contract!(if_there empty_real_gallery);
}
