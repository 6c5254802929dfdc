//! `help.*`: where the data centres are.

use std::net::SocketAddr;

use super::*;
use crate::telegram::{blank, now};

impl Call<'_> {
    pub(super) fn help_area(&mut self, method: u32, body: &[u8]) -> Option<Answered<Vec<u8>>> {
        route! { self, method, body;
            f::help::GetConfig => get_config,
            f::help::GetNearestDc => get_nearest_dc,
        }
    }

    fn get_config(&mut self, _: f::help::GetConfig) -> Answered<tl::enums::Config> {
        let endpoints = self.shared.endpoints.iter().filter(|_| self.shared.options.advertise);
        let options = endpoints.map(|(id, address)| option(*id, *address)).collect();
        Ok(blank::config(now(), self.dc, options).into())
    }

    fn get_nearest_dc(&mut self, _: f::help::GetNearestDc) -> Answered<tl::enums::NearestDc> {
        let nearest = tl::types::NearestDc { country: "UA".to_owned(), this_dc: self.dc, nearest_dc: self.dc };
        Ok(nearest.into())
    }
}

fn option(id: i32, address: SocketAddr) -> tl::enums::DcOption {
    tl::types::DcOption {
        ipv6: address.is_ipv6(),
        media_only: false,
        tcpo_only: false,
        cdn: false,
        r#static: true,
        this_port_only: true,
        id,
        ip_address: address.ip().to_string(),
        port: i32::from(address.port()),
        secret: None,
    }
    .into()
}
