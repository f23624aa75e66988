/** The vSphere Client around the page, by its documented JavaScript API, which it serves itself at run time. */

const LIBRARY = "/api/ui/htmlClientSdk.js";
const PATIENCE_MS = 15000;

/** The page does not stand in a vSphere Client. */
export class NoClient extends Error {}

export class Client {
  /** @param {any} sdk what the client's library gives */
  constructor(sdk) {
    this.sdk = sdk;
  }

  /** Loads the library and waits until it is ready. @returns {Promise<Client>} raises NoClient */
  static async connect() {
    const host = /** @type {any} */ (window);
    if (!host.htmlClientSdk) await loaded();
    const sdk = host.htmlClientSdk;
    if (!sdk) throw new NoClient("The vSphere Client's library is not here.");
    if (!sdk.isInitialized()) await within(new Promise((resolve) => sdk.initialize(resolve)));
    return new Client(sdk);
  }

  /** @returns {string} as `de-DE` */
  get locale() {
    return this.sdk.app.getClientLocale() || navigator.language || "en-US";
  }

  /** @returns {string} `light` or `dark` */
  get theme() {
    return this.sdk.app.getTheme()?.name ?? "light";
  }

  /** The names of the objects that the page is about. @returns {string[]} */
  get objects() {
    return (this.sdk.app.getContextObjects() ?? []).map((each) => each.id).filter(Boolean);
  }

  /**
   * The headers by which our server knows who asks. The token may change while the page is open, so it is asked anew.
   * @returns {Promise<Record<string, string>>}
   */
  async credentials() {
    const session = await within(new Promise((resolve) => this.sdk.app.getSessionInfo(resolve)));
    return {
      "vmware-api-session-id": session?.sessionToken ?? "",
      "vmware-api-gateway-url": this.sdk.app.getApiEndpoints()?.uiApiEndpoint?.fullUrl ?? "",
    };
  }

  /** The GUIDs of the vCenters that have the plug-in. @returns {Promise<string[]>} */
  async vcenters() {
    const info = await within(new Promise((resolve) => this.sdk.app.getPluginBackendInfo(resolve)));
    return Object.keys(info?.backendServersPerVc ?? {}).sort();
  }

  /** How the client writes a time, as the user has set it there. @returns {((moment: Date) => string) | null} */
  get dateTime() {
    const { app } = this.sdk;
    return typeof app.formatDateTime === "function" ? (moment) => app.formatDateTime(moment.getTime()) : null;
  }

  /** Goes to an object of the inventory. @param {string} urn */
  navigate(urn) {
    this.sdk.app.navigateTo({ objectId: urn });
  }

  /**
   * Opens one of our dialogs in the client's modal window.
   * @param {{url: string, title: string, object: string | null, closed: () => void}} wanted
   */
  open({ url, title, object, closed }) {
    this.sdk.modal.open({
      url,
      title,
      accessibilityTitle: title,
      size: { width: 680, height: 560 },
      closable: true,
      contextObjects: object ? [{ id: object }] : [],
      onClosed: closed,
    });
  }

  /** Closes the modal window that the page stands in. */
  close() {
    this.sdk.modal.close();
  }

  /** @param {(name: string) => void} act */
  onTheme(act) {
    this.sdk.event.onThemeChanged((theme) => act(theme?.name ?? this.theme));
  }

  /** @param {() => void} act when the user refreshes the client */
  onRefresh(act) {
    this.sdk.event.onGlobalRefresh(act);
  }

  /** @param {() => void} act when the user wants times written otherwise */
  onDateTimeFormat(act) {
    this.sdk.event.onDateTimeFormatChanged?.(act);
  }
}

function loaded() {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = LIBRARY;
    script.onload = resolve;
    script.onerror = () => reject(new NoClient("The vSphere Client's library is not here."));
    document.head.append(script);
  });
}

function within(promise) {
  const late = new Promise((_, reject) => {
    setTimeout(() => reject(new NoClient("The vSphere Client does not answer.")), PATIENCE_MS);
  });
  return Promise.race([promise, late]);
}
