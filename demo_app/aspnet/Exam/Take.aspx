<%@ Page Language="C#" MasterPageFile="~/Site.master" Inherits="ExamPage" Title="Question" %>
<%@ Import Namespace="System.Collections.Generic" %>
<%@ Import Namespace="System.Linq" %>
<script runat="server">
    int number;
    ListControl choices;
    TextBox text;

    protected void Page_Init(object sender, EventArgs e)
    {
        int.TryParse(Request.QueryString["q"], out number);
        var question = ExamContent.Question(number);
        Heading.Text = Server.HtmlEncode(number + ". " + question["title"]);
        Body.Text = Server.HtmlEncode((string)question["text"]);
        Next.Text = "Next";
        if (question.ContainsKey("options"))
        {
            choices = (string)question["kind"] == "single" ? (ListControl)new RadioButtonList() : new CheckBoxList();
            foreach (var option in (Dictionary<string, object>)question["options"])
                choices.Items.Add(new ListItem((string)option.Value, option.Key));
            choices.ID = "Answer";
            Place.Controls.Add(choices);
        }
        else
        {
            text = new TextBox { ID = "Answer", TextMode = (string)question["kind"] == "long" ? TextBoxMode.MultiLine : TextBoxMode.SingleLine };
            Place.Controls.Add(text);
        }
    }

    protected void Page_Load(object sender, EventArgs e)
    {
        string[] saved;
        if (IsPostBack || !Attempt.Answers.TryGetValue(number, out saved))
            return;
        if (text != null)
            text.Text = saved.FirstOrDefault() ?? "";
        else
            foreach (ListItem item in choices.Items)
                item.Selected = saved.Contains(item.Value);
    }

    string[] Answered()
    {
        return text != null ? new[] { text.Text } : choices.Items.Cast<ListItem>().Where(i => i.Selected).Select(i => i.Value).ToArray();
    }

    protected void Draft_Click(object sender, EventArgs e)
    {
        Attempt.Answers[number] = Answered();
        Saved.Text = "Draft saved: " + Server.HtmlEncode(string.Join(", ", Answered()));
    }

    protected void Next_Click(object sender, EventArgs e)
    {
        if (Attempt.Submitted)
            Response.Redirect(At("Done.aspx"));
        Attempt.Answers[number] = Answered();
        Response.Redirect(number < ExamContent.Questions.Count ? At("Take.aspx", "&q=" + (number + 1)) : At("Review.aspx"));
    }
</script>
<asp:Content ContentPlaceHolderID="MainContent" runat="server">
    <asp:ScriptManager ID="Scripts" runat="server" />
    <h1><asp:Literal ID="Heading" runat="server" /></h1>
    <p><asp:Literal ID="Body" runat="server" /></p>
    <asp:PlaceHolder ID="Place" runat="server" />
    <%-- Answered by a partial postback: a text/plain "delta" with a length before each part, not a page. --%>
    <asp:UpdatePanel ID="DraftPanel" UpdateMode="Conditional" runat="server">
        <ContentTemplate>
            <asp:Button ID="Draft" Text="Save draft" OnClick="Draft_Click" runat="server" />
            <asp:Label ID="Saved" runat="server" />
        </ContentTemplate>
    </asp:UpdatePanel>
    <asp:Button ID="Next" OnClick="Next_Click" runat="server" />
</asp:Content>
