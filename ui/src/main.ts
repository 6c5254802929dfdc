import './styles/tokens.css';
import './styles/fonts.css';
import './styles/kit.css';
import './styles/app.css';
import './styles/chat.css';
import './styles/mail.css';

import { mount } from 'svelte';

import App from './app/App.svelte';
import { reportFaults } from './app/faults';
import { connect } from './ipc/client';

await connect();
reportFaults();

const target = document.getElementById('app');
if (!target) throw new Error('index.html has no #app');
mount(App, { target });
